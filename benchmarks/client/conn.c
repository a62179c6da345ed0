/* One connection: opening it, bytes in and out. */

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ = 1 << 18 };

static uint8_t buffer[READ + (1 << 24)]; /* what was left of a frame, then what was read */

int epoll;

/* Told once of each change: what is told again until it is read costs the kernel a second look. */
static void watch(struct conn *conn, int what, uint32_t events) {
    struct epoll_event event = {.events = events | EPOLLRDHUP | EPOLLET, .data.ptr = conn};
    epoll_ctl(epoll, what, conn->fd, &event);
}

void drop(struct conn *conn) {
    if (conn->fd >= 0)
        close(conn->fd);
    conn->fd = -1;
    conn->state = CLOSED;
    conn->rest_size = conn->out_size = conn->out_sent = 0;
    closed(conn);
}

void begin(struct conn *conn) {
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (conn->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)plan.port)};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    conn->state = CONNECTING;
    conn->step = 0;
    conn->begun = now_ns();
    if (connect(conn->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS)
        drop(conn);
    else
        watch(conn, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

void flush(struct conn *conn) {
    while (conn->out_sent < conn->out_size) {
        ssize_t sent = send(conn->fd, conn->out + conn->out_sent, conn->out_size - conn->out_sent,
                            MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN)
                watch(conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return; /* what is broken is seen when it is read */
        }
        conn->out_sent += (size_t)sent;
    }
    conn->out_size = conn->out_sent = 0;
}

/* Only gathers; `flush` sends. */
void put_raw(struct conn *conn, const void *data, size_t size) {
    if (conn->out_size + size > conn->out_room) {
        conn->out_room = (conn->out_size + size) * 2;
        conn->out = realloc(conn->out, conn->out_room);
    }
    memcpy(conn->out + conn->out_size, data, size);
    conn->out_size += size;
}

/* Says what is due until there is something to wait for. %E and %O are where it has been. */
void next_steps(struct conn *conn) {
    while (conn->step < conn->count) {
        const char *step = conn->steps[conn->step];
        if (*step == '?')
            break;
        conn->step++;
        if (*step == (conn->been ? '-' : '+'))
            continue;
        char text[4096];
        size_t size = 0;
        for (step++; *step && size < sizeof text - 64; step++) {
            if (step[0] == '%' && (step[1] == 'E' || step[1] == 'O'))
                size += (size_t)sprintf(text + size, "%s", *++step == 'E' ? conn->epoch : conn->offset);
            else
                text[size++] = *step;
        }
        put_text(conn, text, size);
    }
    flush(conn);
    if (conn->step == conn->count && conn->state == STEPPING) {
        conn->state = OPEN;
        opened(conn);
    }
}

void on_writable(struct conn *conn) {
    watch(conn, EPOLL_CTL_MOD, EPOLLIN);
    if (conn->state != CONNECTING) {
        flush(conn);
        return;
    }
    if (conn->role == 'h') {
        conn->state = OPEN;
        opened(conn);
        return;
    }
    char request[2048];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n",
                        conn->path, plan.port);
    conn->state = UPGRADING;
    put_raw(conn, request, (size_t)size);
    flush(conn);
}

/* What is left of a frame is kept until the rest of it comes. */
static void take(struct conn *conn, size_t size, uint64_t at) {
    size_t used = 0, step;
    do {
        bool http = conn->role == 'h' || conn->state == UPGRADING;
        step = (http ? on_http : on_frames)(conn, buffer + used, size - used, at);
        used += step;
    } while (step && used < size && conn->state != CLOSED);
    if (conn->state == CLOSED)
        return;
    conn->rest_size = size - used;
    if (conn->rest_size > sizeof buffer - READ)
        fail("a frame of more than 16 MiB");
    if (conn->rest_size) {
        conn->rest = realloc(conn->rest, conn->rest_size);
        memcpy(conn->rest, buffer + used, conn->rest_size);
    }
}

/* Reads all there is: what fills less than was offered was all. `ended`: the peer has closed. */
void on_readable(struct conn *conn, bool ended) {
    ssize_t got;
    do {
        memcpy(buffer, conn->rest, conn->rest_size);
        got = recv(conn->fd, buffer + conn->rest_size, READ, 0);
        if (got > 0)
            take(conn, conn->rest_size + (size_t)got, now_ns());
        else if (got == 0 || errno != EAGAIN)
            drop(conn);
    } while (conn->fd >= 0 && got > 0 && (ended || got == READ));
}
