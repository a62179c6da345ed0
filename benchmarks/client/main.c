/* Usage: load PLAN. Prints `open N` once all connections are open, and at the end a report. */

#define _GNU_SOURCE
#include "load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 2)
        fail("usage: load PLAN");
    read_plan(arguments[1]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    static int word, clock_tick;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &word};
    epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event);
    int timer = arm_timer();
    event.data.ptr = &clock_tick;
    if (timer >= 0)
        epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    struct epoll_event events[1024];
    bool sleeps = !plan.spin || plan.mode == HOLD || plan.mode == HERD;
    uint64_t now = now_ns();
    while (turn(now)) {
        int ready = epoll_wait(epoll, events, 1024, sleeps ? 10 : 0);
        uint64_t before = now;
        now = now_ns();
        if (!ready)
            tally.idle += now - before;
        for (int i = 0; i < ready; i++) {
            void *what = events[i].data.ptr;
            struct conn *conn = what;
            if (what == &word)
                on_word();
            else if (what == &clock_tick)
                on_timer();
            else {
                if (conn->fd >= 0 && events[i].events & EPOLLOUT)
                    on_writable(conn);
                uint32_t ended = events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
                if (conn->fd >= 0 && (ended || events[i].events & EPOLLIN))
                    on_readable(conn, ended);
            }
        }
    }
    report(open_seconds, open_count, finished_at);
    return 0;
}
