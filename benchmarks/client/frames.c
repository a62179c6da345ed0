/* What comes over a connection: WebSocket frames (RFC 6455), HTTP answers, and marks in them. */

#define _GNU_SOURCE
#include "load.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT = 1, CLOSE = 8, PING = 9 };

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

static void put_frame(struct conn *conn, int opcode, const char *text, size_t size) {
    uint8_t head[8] = {(uint8_t)(0x80 | opcode), 0x80};
    size_t length = 2;
    if (size < 126)
        head[1] |= (uint8_t)size;
    else {
        head[1] |= 126;
        head[length++] = (uint8_t)(size >> 8);
        head[length++] = (uint8_t)size;
    }
    memcpy(head + length, MASK, 4);
    put_raw(conn, head, length + 4);
    put_raw(conn, text, size);
    uint8_t *payload = conn->out + conn->out_size - size;
    for (size_t i = 0; i < size; i++)
        payload[i] ^= MASK[i & 3];
}

void put_text(struct conn *conn, const char *text, size_t size) {
    if (size > 65535)
        fail("a frame of %zu bytes is not for this client", size);
    put_frame(conn, TEXT, text, size);
}

static void remember(char *into, size_t room, const uint8_t *text, size_t size, const char *name) {
    const uint8_t *found = memmem(text, size, name, strlen(name));
    if (!found)
        return;
    found += strlen(name);
    size_t length = 0;
    while (found + length < text + size && length < room - 1 && found[length] != '"' &&
           found[length] != ',' && found[length] != '}')
        length++;
    memcpy(into, found, length);
    into[length] = 0;
}

static int hex(const uint8_t *digits, int count, uint32_t *value) {
    *value = 0;
    for (int i = 0; i < count; i++) {
        int digit = digits[i];
        digit = digit >= '0' && digit <= '9' ? digit - '0' : digit - 'a' + 10;
        if (digit < 0 || digit > 15)
            return 0;
        *value = *value << 4 | (uint32_t)digit;
    }
    return 1;
}

/* A mark is ~, four hexadecimal digits of the publisher, eight of the number, ~. */
static void on_text(struct conn *conn, const uint8_t *text, size_t size, uint64_t at) {
    if (plan.ping && size == strlen(plan.ping) && !memcmp(text, plan.ping, size)) {
        put_text(conn, plan.pong, strlen(plan.pong));
        flush(conn);
        return;
    }
    /* A reply that goes on where we were says nothing new of where we are. */
    if (plan.mode == HERD && !memmem(text, size, "\"complete\":true", 15)) {
        remember(conn->epoch, sizeof conn->epoch, text, size, "\"epoch\":\"");
        remember(conn->offset, sizeof conn->offset, text, size, "\"offset\":");
        char first[21] = "", last[21] = "";
        remember(first, sizeof first, text, size, "\"reconnect_after_ms\":[");
        if (*first) {
            remember(last, sizeof last, text, size, first);
            conn->window[0] = (uint64_t)atol(first) * 1000000;
            conn->window[1] = conn->window[0] + 4000000000;
        }
    }
    if (conn->state == STEPPING) {
        const char *awaited = conn->steps[conn->step] + 1;
        if (memmem(text, size, awaited, strlen(awaited))) {
            conn->step++;
            next_steps(conn);
        } else if (memmem(text, size, "\"error\"", 7))
            note_error((const char *)text, size);
        if (conn->state == CLOSED)
            return;
    } else if (plan.acknowledged && size >= strlen(plan.acknowledged) &&
               !memcmp(text, plan.acknowledged, strlen(plan.acknowledged))) {
        if (memmem(text, size < 64 ? size : 64, "\"error\"", 7))
            note_error((const char *)text, size);
        acknowledged(conn, at);
        return;
    }
    const uint8_t *end = text + size, *mark = text;
    uint32_t publisher, number;
    bool counted = false;
    while (end - mark >= 14 && (mark = memchr(mark, '~', (size_t)(end - mark) - 13))) {
        mark++;
        if (mark[12] == '~' && hex(mark, 4, &publisher) && hex(mark + 4, 8, &number)) {
            heard(conn, (int)publisher, number, at);
            mark += 13;
            counted = true;
        }
    }
    if (counted) {
        tally.frames++;
        tally.bytes += size;
    }
}

/* How many bytes were used up: of whole frames. */
size_t on_frames(struct conn *conn, const uint8_t *data, size_t size, uint64_t at) {
    size_t used = 0;
    while (size - used >= 2 && conn->state != CLOSED) {
        const uint8_t *frame = data + used;
        uint64_t length = frame[1] & 127, head = 2;
        if (length == 126) {
            if (size - used < 4)
                break;
            length = (uint64_t)frame[2] << 8 | frame[3];
            head = 4;
        } else if (length == 127) {
            if (size - used < 10)
                break;
            length = 0;
            for (head = 2; head < 10; head++)
                length = length << 8 | frame[head];
        }
        if (size - used < head + length)
            break;
        used += head + length;
        int opcode = frame[0] & 15;
        if (opcode == CLOSE) {
            if (length > 2 && plan.mode != HERD)
                note_error((const char *)frame + head + 2, length - 2);
            put_frame(conn, CLOSE, (const char *)frame + head, length);
            flush(conn);
            drop(conn);
        } else if (opcode == PING) {
            put_frame(conn, PING + 1, (const char *)frame + head, length);
            flush(conn);
        } else if (opcode <= 2)
            on_text(conn, frame + head, length, at);
    }
    return used;
}

size_t on_http(struct conn *conn, const uint8_t *data, size_t size, uint64_t at) {
    const uint8_t *end = memmem(data, size, "\r\n\r\n", 4);
    if (!end)
        return 0;
    size_t head = (size_t)(end - data) + 4;
    int status = size > 12 ? atoi((const char *)data + 9) : 0;
    if (conn->state == UPGRADING && status == 101) {
        conn->state = STEPPING;
        next_steps(conn);
        return head;
    }
    const uint8_t *length = memmem(data, head, "Content-Length: ", 16);
    size_t body = length ? (size_t)atol((const char *)length + 16) : 0;
    if (size < head + body)
        return 0;
    if (status >= 300 || status < 200)
        note_error((const char *)data + (body ? head : 0), body ? body : head);
    if (conn->role == 'h')
        http_answered(conn, status, at);
    else
        drop(conn);
    return head + body;
}
