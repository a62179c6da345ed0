"""What `tornado-chat bench` measures, from outside, as a front-end would.

place    which server, whose keys, how much memory     device   one socket
loads    what is done, in which order says run         poster   one connection for REST
figures  what was counted                              verdict  the table, and what it means
"""
