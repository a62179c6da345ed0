/* Reads the plan: a line a setting, `name value`; parts of a line that has several are parted by tabs.

     port 8080                mode fanout|pipeline|offered|http|hold|herd
     seconds 5                warmup 1            what is counted, and what goes before
     window 1                 messages under way: of a burst, of a sender, of the crowd
     rate 1000                offered, messages a second
     opening 64               connections that are opened at once
     pad 20                   characters after each mark
     expect 20                herd: messages that each connection must have had
     spin 1                   never sleep, where the core is its own
     server 1234              whose processor time and memory are read
     acknowledged PREFIX      how a frame begins that answers a publish
     ping TEXT \t TEXT        what is to be answered, and with what
     conn ROLE \t FROM \t PATH \t STEP \t STEP …
     say TEXT                 of the connection above
*/

#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plan plan = {.opening = 64, .window = 1, .seconds = 1};

static const char *const MODES[] = {"fanout", "pipeline", "offered", "http", "hold", "herd"};

static enum mode mode_of(const char *name) {
    for (int i = 0; i < 6; i++)
        if (!strcmp(name, MODES[i]))
            return (enum mode)i;
    fail("mode %s: not known", name);
    return FANOUT;
}

static void add_conn(char *line) {
    static int room;
    if (plan.count == room) {
        room = room ? room * 2 : 1024;
        plan.conns = realloc(plan.conns, (size_t)room * sizeof *plan.conns);
    }
    struct conn *conn = &plan.conns[plan.count++];
    memset(conn, 0, sizeof *conn);
    conn->fd = -1;
    conn->last = -1;
    conn->role = *strsep(&line, "\t");
    conn->from = atoi(strsep(&line, "\t"));
    conn->path = strdup(strsep(&line, "\t"));
    while (line && *line) {
        conn->steps = realloc(conn->steps, (size_t)(conn->count + 1) * sizeof *conn->steps);
        conn->steps[conn->count++] = strdup(strsep(&line, "\t"));
    }
}

static void add(const char *name, char *value) {
    if (!strcmp(name, "port"))
        plan.port = atoi(value);
    else if (!strcmp(name, "mode"))
        plan.mode = mode_of(value);
    else if (!strcmp(name, "seconds"))
        plan.seconds = atof(value);
    else if (!strcmp(name, "warmup"))
        plan.warmup = atof(value);
    else if (!strcmp(name, "window"))
        plan.window = atoi(value);
    else if (!strcmp(name, "rate"))
        plan.rate = atof(value);
    else if (!strcmp(name, "opening"))
        plan.opening = atoi(value);
    else if (!strcmp(name, "pad"))
        plan.pad = atoi(value);
    else if (!strcmp(name, "expect"))
        plan.expect = atol(value);
    else if (!strcmp(name, "spin"))
        plan.spin = atoi(value);
    else if (!strcmp(name, "server"))
        plan.server = atoi(value);
    else if (!strcmp(name, "acknowledged"))
        plan.acknowledged = strdup(value);
    else if (!strcmp(name, "ping")) {
        plan.ping = strdup(strsep(&value, "\t"));
        plan.pong = strdup(value);
    } else if (!strcmp(name, "conn"))
        add_conn(value);
    else if (!strcmp(name, "say") && plan.count)
        plan.conns[plan.count - 1].say = strdup(value);
    else
        fail("plan: %s: not known", name);
}

/* Ends the program where the plan cannot be read. */
void read_plan(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        fail("%s: cannot be read", path);
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    while ((size = getline(&line, &room, file)) > 0) {
        line[size - (line[size - 1] == '\n')] = 0;
        char *value = strchr(line, ' ');
        if (!value)
            fail("plan: %s", line);
        *value++ = 0;
        add(line, value);
    }
    free(line);
    fclose(file);
    plan.says = calloc((size_t)plan.count + 1, sizeof *plan.says);
    for (int i = 0; i < plan.count; i++) {
        struct conn *conn = &plan.conns[i];
        if (conn->say) {
            conn->publisher = plan.publishers;
            plan.says[plan.publishers++] = conn;
        }
    }
    for (int i = 0; i < plan.count; i++)
        if (plan.conns[i].role == 's' && plan.conns[i].from < plan.publishers)
            plan.says[plan.conns[i].from]->audience++;
}
