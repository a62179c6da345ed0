module benchmarks/centrifuge

go 1.22

require github.com/centrifugal/centrifuge v0.40.1
