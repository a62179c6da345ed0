/* The limit: what a process on one core can do that only calls send. No queue, no check, no store.

   /pub says, every other path hears. Who cannot take a frame at once makes it wait. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 1 << 20 };

struct peer {
    bool open, says;
    size_t size;
    uint8_t *data;
};

static struct peer peers[MOST];
static int hearing[MOST], hearers, epoll;

static void send_all(int fd, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            data += sent;
            size -= (size_t)sent;
        } else if (poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, 1000) <= 0)
            return;
    }
}

static void tell_all(const uint8_t *payload, size_t size) {
    static uint8_t frame[70000];
    size_t head = 2;
    frame[0] = 0x81;
    if (size < 126)
        frame[1] = (uint8_t)size;
    else {
        frame[1] = 126;
        frame[2] = (uint8_t)(size >> 8);
        frame[3] = (uint8_t)size;
        head = 4;
    }
    memcpy(frame + head, payload, size);
    for (int i = 0; i < hearers; i++)
        send_all(hearing[i], frame, head + size);
}

/* A whole masked frame; how many bytes it had, 0 where it is not all there. */
static size_t take_frame(uint8_t *data, size_t size) {
    if (size < 6)
        return 0;
    size_t length = data[1] & 127, head = 2;
    if (length == 126) {
        length = (size_t)data[2] << 8 | data[3];
        head = 4;
    }
    if (size < head + 4 + length)
        return 0;
    uint8_t *mask = data + head, *payload = mask + 4;
    for (size_t i = 0; i < length; i++)
        payload[i] ^= mask[i & 3];
    if ((data[0] & 15) == 1)
        tell_all(payload, length);
    return head + 4 + length;
}

static void upgrade(int fd, struct peer *peer) {
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"; /* of the client's one key */
    peer->open = true;
    peer->says = !memcmp(peer->data, "GET /pub", 8);
    if (!peer->says)
        hearing[hearers++] = fd;
    send_all(fd, (const uint8_t *)answer, sizeof answer - 1);
}

static void leave(int fd) {
    for (int i = 0; i < hearers; i++)
        if (hearing[i] == fd)
            hearing[i] = hearing[--hearers];
    free(peers[fd].data);
    memset(&peers[fd], 0, sizeof peers[fd]);
    close(fd);
}

static void read_from(int fd) {
    static uint8_t read[65536];
    struct peer *peer = &peers[fd];
    ssize_t got = recv(fd, read, sizeof read, 0);
    if (got <= 0) {
        leave(fd);
        return;
    }
    peer->data = realloc(peer->data, peer->size + (size_t)got);
    memcpy(peer->data + peer->size, read, (size_t)got);
    peer->size += (size_t)got;
    size_t used = 0, step;
    if (!peer->open) {
        uint8_t *end = memmem(peer->data, peer->size, "\r\n\r\n", 4);
        if (!end)
            return;
        used = (size_t)(end - peer->data) + 4;
        upgrade(fd, peer);
    }
    while (used < peer->size && (step = take_frame(peer->data + used, peer->size - used)))
        used += step;
    memmove(peer->data, peer->data + used, peer->size - used);
    peer->size -= used;
}

int main(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096))
        return 1;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("listening on http://127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[256];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd != listener) {
                read_from(events[i].data.fd);
                continue;
            }
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0 || fd >= MOST)
                continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
            event.data.fd = fd;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
