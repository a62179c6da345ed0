/* The load client: one process, one thread, one epoll. What it does stands in a plan, see plan.c. */

#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mode { FANOUT, PIPELINE, OFFERED, HTTP, HOLD, HERD };
enum state { CLOSED, CONNECTING, UPGRADING, STEPPING, OPEN };

/* One connection. role: 's' hears, 'p' says, 'h' asks by HTTP. `from`: which publisher it hears. */
struct conn {
    int fd;
    enum state state;
    char role;
    int from;
    char *path;
    char **steps; /* opening: '>' say, '?' wait for, '-' say at first, '+' say when it comes back */
    int count, step;
    char *say; /* what a publisher says, %M stands for the mark and %I for its number */
    int publisher, audience; /* of one that says: its number, and how many hear it */
    uint8_t *rest; /* the beginning of a frame whose end has not come yet */
    size_t rest_size;
    uint8_t *out;
    size_t out_size, out_sent, out_room;
    uint32_t said, answered;
    int64_t last; /* the highest number heard, -1 for none */
    char epoch[33], offset[21];
    uint64_t begun, due; /* when opening began; when it comes back */
    uint64_t window[2]; /* where the server said when to come back, in ns */
    int tries;
    bool been; /* it was open before */
    bool done;
};

struct plan {
    enum mode mode;
    int port;
    double seconds, warmup, rate;
    int window, opening, pad;
    long expect;
    bool spin; /* it looks again and again instead of sleeping */
    int server; /* process whose time and memory are read, 0 for none */
    char *acknowledged, *ping, *pong;
    struct conn *conns;
    int count, publishers;
    struct conn **says;
};

/* Latencies in ns: 64 steps for each power of two, so within 1.6 % of what was measured. */
struct histogram {
    uint64_t counts[64 * 64];
    uint64_t total, highest;
};

struct tally {
    uint64_t sent, answered, delivered, bytes, frames;
    uint64_t lost, doubled, errors, idle; /* idle: ns in which it found nothing to do */
    char error[160]; /* the first one */
    struct histogram delivery, answer, opening;
};

extern struct plan plan;
extern struct tally tally;

uint64_t now_ns(void);
void fail(const char *format, ...);

/* plan.c */
void read_plan(const char *path);

/* tally.c */
void record(struct histogram *histogram, uint64_t ns);
void note_error(const char *text, size_t size);
void begin_window(void);
void end_window(void);
void report(double open_seconds, int open_count, uint64_t finished);

/* conn.c */
void begin(struct conn *conn);
void on_writable(struct conn *conn);
void on_readable(struct conn *conn, bool ended);
void next_steps(struct conn *conn);
void put_raw(struct conn *conn, const void *data, size_t size);
void flush(struct conn *conn);
void drop(struct conn *conn);
extern int epoll;

/* frames.c: how many bytes were used up, of whole frames or answers */
size_t on_frames(struct conn *conn, const uint8_t *data, size_t size, uint64_t at);
size_t on_http(struct conn *conn, const uint8_t *data, size_t size, uint64_t at);
void put_text(struct conn *conn, const char *text, size_t size);

/* What conn.c and frames.c tell modes.c. */
void opened(struct conn *conn);
void closed(struct conn *conn);
void heard(struct conn *conn, int publisher, uint32_t number, uint64_t at);
void acknowledged(struct conn *conn, uint64_t at);
void http_answered(struct conn *conn, int status, uint64_t at);

/* modes.c */
bool turn(uint64_t now); /* false: it is over */
void on_timer(void);
void on_word(void);
int arm_timer(void);
extern double open_seconds;
extern int open_count;
extern uint64_t finished_at;

#endif
