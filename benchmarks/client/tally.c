/* What was counted, and the report: one JSON object on a line. */

#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct tally tally;

/* Of what came between begin_window and end_window. */
static struct {
    uint64_t at, sent, answered, delivered, bytes, frames;
    double client, server;
} from, to;

static int slot(uint64_t ns) {
    if (ns < 128)
        return (int)ns;
    int power = 63 - __builtin_clzll(ns);
    return (power - 6) * 64 + (int)(ns >> (power - 6));
}

static uint64_t lower(int slot) {
    if (slot < 128)
        return (uint64_t)slot;
    int power = slot / 64 + 5;
    return ((uint64_t)(slot % 64) + 64) << (power - 6);
}

void record(struct histogram *histogram, uint64_t ns) {
    histogram->counts[slot(ns)]++;
    histogram->total++;
    if (ns > histogram->highest)
        histogram->highest = ns;
}

static double quantile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)((double)histogram->total * share), seen = 0;
    for (int i = 0; i < 64 * 64; i++) {
        seen += histogram->counts[i];
        if (seen > wanted)
            return (double)lower(i) / 1e3;
    }
    return (double)histogram->highest / 1e3;
}

void note_error(const char *text, size_t size) {
    if (!tally.errors++) {
        size_t kept = size < sizeof tally.error - 1 ? size : sizeof tally.error - 1;
        memcpy(tally.error, text, kept);
        for (size_t i = 0; i < kept; i++)
            if (tally.error[i] == '"' || tally.error[i] == '\\' || tally.error[i] < 32)
                tally.error[i] = '\'';
    }
}

/* Seconds of work: of the processor, or where it never sleeps, all that was not idle. */
static double own_time(void) {
    if (plan.spin)
        return (double)(now_ns() - tally.idle) / 1e9;
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/* Processor seconds of all its threads; proc(5), fields 14 and 15. */
static double server_time(void) {
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", plan.server);
    FILE *file = plan.server ? fopen(path, "r") : NULL;
    if (!file)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = 0;
    char *name_end = strrchr(text, ')');
    if (name_end)
        sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

void begin_window(void) {
    from.sent = tally.sent;
    from.answered = tally.answered;
    from.delivered = tally.delivered;
    from.bytes = tally.bytes;
    from.frames = tally.frames;
    memset(&tally.delivery, 0, sizeof tally.delivery);
    memset(&tally.answer, 0, sizeof tally.answer);
    from.client = own_time();
    from.server = server_time();
    from.at = now_ns();
}

void end_window(void) {
    to.at = now_ns();
    to.client = own_time();
    to.server = server_time();
    to.sent = tally.sent;
    to.answered = tally.answered;
    to.delivered = tally.delivered;
    to.bytes = tally.bytes;
    to.frames = tally.frames;
}

static void quantiles(const char *name, const struct histogram *histogram) {
    if (!histogram->total)
        return;
    printf(",\"%s\":{\"count\":%lu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}",
           name, (unsigned long)histogram->total, quantile(histogram, .5),
           quantile(histogram, .9), quantile(histogram, .99), quantile(histogram, .999),
           (double)histogram->highest / 1e3);
}

/* Times of the histograms in microseconds, everything else in seconds, bytes and pieces. */
void report(double open_seconds, int open_count, uint64_t finished) {
    double seconds = to.at > from.at ? (double)(to.at - from.at) / 1e9 : 0;
    uint64_t frames = to.frames - from.frames;
    printf("report {\"opened\":%d,\"open_seconds\":%.4f,\"seconds\":%.4f", open_count,
           open_seconds, seconds);
    printf(",\"sent\":%lu,\"answered\":%lu,\"delivered\":%lu",
           (unsigned long)(to.sent - from.sent), (unsigned long)(to.answered - from.answered),
           (unsigned long)(to.delivered - from.delivered));
    printf(",\"lost\":%lu,\"doubled\":%lu,\"errors\":%lu,\"error\":\"%s\"",
           (unsigned long)tally.lost, (unsigned long)tally.doubled, (unsigned long)tally.errors,
           tally.error);
    printf(",\"frame_bytes\":%.1f", frames ? (double)(to.bytes - from.bytes) / (double)frames : 0);
    printf(",\"client_cpu\":%.4f,\"server_cpu\":%.4f,\"finished_at\":%.6f",
           seconds > 0 ? (to.client - from.client) / seconds : 0,
           seconds > 0 ? (to.server - from.server) / seconds : 0, (double)finished / 1e9);
    quantiles("delivery_us", &tally.delivery);
    quantiles("answer_us", &tally.answer);
    quantiles("opening_us", &tally.opening);
    printf("}\n");
    fflush(stdout);
}
