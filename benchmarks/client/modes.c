/* What is done once connections are open: who says what, and when it is over. */

#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { KEPT = 1 << 16 }; /* moments of sending that are remembered of each publisher */
static const uint64_t SECOND = 1000000000, STALL = 5, PATIENCE = 20;

double open_seconds;
int open_count;
uint64_t finished_at;

static uint64_t (*sent_at)[KEPT];
static int begun, timer = -1, done_count;
static uint64_t opening_at, started, window_at, end_at, moved_at;
static uint64_t expected; /* deliveries of what was sent so far */
static uint64_t scheduled;
static enum { OPENING, WARMING, COUNTING, SETTLING, OVER } phase;

/* Deliveries that came or are known never to come; what came twice counts once. */
static uint64_t accounted(void) {
    return tally.delivered - tally.doubled + tally.lost;
}

/* Says its sentence with the next number. `at`: when it should have been said. */
static void say(struct conn *conn, uint64_t at) {
    char text[8192], mark[4096];
    uint32_t number = conn->said++;
    int publisher = conn->publisher;
    int marked = snprintf(mark, sizeof mark, "~%04x%08x~", publisher, number);
    memset(mark + marked, 'x', (size_t)plan.pad);
    mark[marked + plan.pad] = 0;
    size_t size = 0;
    for (const char *from = conn->say; *from && size < sizeof text - sizeof mark; from++) {
        if (from[0] == '%' && from[1] == 'M')
            size += (size_t)sprintf(text + size, "%s", mark), from++;
        else if (from[0] == '%' && from[1] == 'I')
            size += (size_t)sprintf(text + size, "%u", number), from++;
        else
            text[size++] = *from;
    }
    sent_at[publisher][number % KEPT] = at;
    tally.sent++;
    expected += (uint64_t)conn->audience;
    if (conn->role != 'h') {
        put_text(conn, text, size);
        return;
    }
    char head[1024];
    int length = snprintf(head, sizeof head,
                          "%s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                          "Content-Length: %zu\r\n%s\r\n",
                          *conn->path == '/' ? "POST " : "", conn->path, size, conn->count ? conn->steps[0] : "");
    for (char *bar = head; (bar = strchr(bar, '|'));) /* ends of lines of the plan's headers */
        memcpy(bar, "\r\n", 2);
    put_raw(conn, head, (size_t)length);
    put_raw(conn, text, size);
}

static void burst(uint64_t now) {
    for (int i = 0; i < plan.window; i++)
        say(plan.says[0], now);
    flush(plan.says[0]);
}

static void fill(struct conn *conn, uint64_t now) {
    int window = plan.mode == HTTP ? 1 : plan.window;
    if (phase >= SETTLING || conn->state != OPEN)
        return;
    while (conn->said - conn->answered < (uint32_t)window)
        say(conn, now);
    flush(conn);
}

static void start(uint64_t now) {
    sent_at = calloc((size_t)plan.publishers + 1, sizeof *sent_at);
    open_seconds = (double)(now - opening_at) / 1e9;
    printf("open %d\n", open_count);
    fflush(stdout);
    started = scheduled = moved_at = now;
    window_at = now + (uint64_t)(plan.warmup * 1e9);
    end_at = window_at + (uint64_t)(plan.seconds * 1e9);
    phase = WARMING;
    if (plan.mode == FANOUT)
        burst(now);
    if (plan.mode == PIPELINE || plan.mode == HTTP)
        for (int i = 0; i < plan.publishers; i++)
            fill(plan.says[i], now);
    if (plan.mode == OFFERED)
        on_timer();
}

/* As many at once as the plan says, until all were begun. */
static void open_more(void) {
    while (begun < plan.count && begun - open_count < plan.opening)
        begin(&plan.conns[begun++]);
}

void opened(struct conn *conn) {
    record(&tally.opening, now_ns() - conn->begun);
    conn->tries = 0;
    conn->been = true;
    if (phase == OPENING) {
        open_count++;
        moved_at = now_ns();
    }
}

/* In a herd it comes back, as our own client does: after the server's word, else at any moment of
   a time that doubles from half a second on. */
void closed(struct conn *conn) {
    if (plan.mode != HERD || phase == OPENING) {
        if (phase < SETTLING)
            fail("connection %d of %d ended: %s", (int)(conn - plan.conns) + 1, plan.count,
                 tally.error);
        return;
    }
    double chance = (double)rand() / RAND_MAX, most = .5 * (1 << (conn->tries < 6 ? conn->tries : 6));
    conn->tries++;
    uint64_t pause = conn->window[1] ? conn->window[0] + (uint64_t)(chance * 4e9)
                                     : (uint64_t)(chance * most * 1e9);
    conn->window[1] = 0;
    conn->due = now_ns() + pause;
}

static void is_done(struct conn *conn, uint64_t at) {
    if (plan.mode == HERD && !conn->done && conn->last + 1 >= plan.expect) {
        conn->done = true;
        finished_at = at;
        done_count++;
    }
}

void heard(struct conn *conn, int publisher, uint32_t number, uint64_t at) {
    if (publisher != conn->from || conn->role != 's')
        return;
    tally.delivered++;
    moved_at = at;
    if ((int64_t)number <= conn->last)
        tally.doubled++;
    else {
        tally.lost += (uint64_t)((int64_t)number - conn->last - 1);
        conn->last = number;
    }
    if (plan.mode == HERD)
        is_done(conn, at);
    else if (publisher < plan.publishers)
        record(&tally.delivery, at - sent_at[publisher][number % KEPT]);
    if (plan.mode == FANOUT && accounted() >= expected && phase < SETTLING)
        burst(now_ns());
}

void acknowledged(struct conn *conn, uint64_t at) {
    if (!conn->say)
        return;
    record(&tally.answer, at - sent_at[conn->publisher][conn->answered % KEPT]);
    conn->answered++;
    tally.answered++;
    moved_at = at;
    if (plan.mode == PIPELINE && conn->said - conn->answered <= (uint32_t)plan.window / 2)
        fill(conn, now_ns());
}

void http_answered(struct conn *conn, int status, uint64_t at) {
    (void)status;
    acknowledged(conn, at);
    if (plan.mode == HTTP)
        fill(conn, now_ns());
}

/* The next moment at which something is said by the clock; -1 where nothing is. */
int arm_timer(void) {
    if (plan.mode == OFFERED)
        timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return timer;
}

void on_timer(void) {
    uint64_t fired, now = now_ns();
    if (read(timer, &fired, sizeof fired) < 0)
        fired = 0;
    uint64_t step = (uint64_t)(1e9 / plan.rate);
    while (scheduled <= now && phase < SETTLING) {
        struct conn *conn = plan.says[tally.sent % (uint64_t)plan.publishers];
        say(conn, scheduled);
        flush(conn);
        scheduled += step;
    }
    struct itimerspec next = {.it_value = {(time_t)(scheduled / SECOND), (long)(scheduled % SECOND)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &next, NULL);
}

/* A line came in: hold and herd end with it. */
void on_word(void) {
    char line[64];
    if (read(0, line, sizeof line) >= 0 && plan.mode == HOLD)
        phase = OVER;
}

static void herd(uint64_t now) {
    int under_way = 0;
    for (int i = 0; i < plan.count; i++)
        under_way += plan.conns[i].state != CLOSED && plan.conns[i].state != OPEN;
    for (int i = 0; i < plan.count && under_way < plan.opening; i++)
        if (plan.conns[i].state == CLOSED && plan.conns[i].due <= now) {
            begin(&plan.conns[i]);
            under_way++;
        }
    if (done_count == plan.count || now >= end_at) {
        for (int i = 0; i < plan.count; i++)
            if (plan.conns[i].last + 1 < plan.expect)
                tally.lost += (uint64_t)(plan.expect - plan.conns[i].last - 1);
        phase = OVER;
    }
}

/* What was sent and has not come after all that time never comes. */
static void count_missing(void) {
    for (int i = 0; i < plan.count; i++) {
        struct conn *conn = &plan.conns[i];
        if (conn->role == 's' && conn->from < plan.publishers)
            tally.lost += (uint64_t)((int64_t)plan.says[conn->from]->said - 1 - conn->last);
    }
}

bool turn(uint64_t now) {
    if (phase == OPENING) {
        if (!opening_at)
            opening_at = moved_at = now;
        if (now > moved_at + PATIENCE * SECOND)
            fail("%d of %d connections opened, no more since %d s %s", open_count, plan.count,
                 (int)PATIENCE, tally.error);
        open_more();
        if (open_count == plan.count)
            start(now);
        return true;
    }
    if (plan.mode == HERD)
        herd(now);
    if (plan.mode == HOLD || plan.mode == HERD)
        return phase != OVER;
    if (phase == WARMING && now >= window_at) {
        begin_window();
        phase = COUNTING;
    }
    if (phase == COUNTING && (now >= end_at || now > moved_at + STALL * SECOND)) {
        end_window();
        phase = SETTLING;
    }
    bool settled = expected ? accounted() >= expected : tally.answered >= tally.sent;
    if (phase == SETTLING && (settled || now > moved_at + STALL * SECOND)) {
        count_missing();
        phase = OVER;
    }
    return phase != OVER;
}
