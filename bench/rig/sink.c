/* An upload target that does nothing but read and count: one thread, epoll, HTTP/1.1 on 127.0.0.1.
 *
 * POST /...         one file in a multipart form; answers the marker and the file's lines without its header
 * POST /rows/N      the same for a file that has no lines to count: the answer's count is N
 * GET /stats        what was taken so far, with the instant on the monotonic clock
 *
 * The port is printed once it listens. Ends with its standard input.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_LIMIT = 16384, READ_BYTES = 1 << 19, EVENTS = 256, ENDED = -1, MORE = 0 };

struct connection {
    int socket;
    int head_bytes;
    char head[HEAD_LIMIT];
    int in_body, closes, marked;
    long fixed_rows;              /* what to answer where the file has no lines; -1 to count them */
    int64_t seen, length, tail;   /* of the body, in bytes; the tail is the closing boundary */
    int part_head;                /* how much of the blank line that ends the part's head was seen */
    int64_t lines;
};

static char buffer[READ_BYTES];
static uint64_t uploads, records, bytes;

static const char *header(const struct connection *c, const char *name) {
    size_t width = strlen(name);
    for (const char *line = strstr(c->head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, width) == 0 && line[2 + width] == ':') {
            const char *value = line + 3 + width;
            return value + strspn(value, " ");
        }
    return NULL;
}

static int says(const char *value, const char *word) {
    return value != NULL && strncasecmp(value, word, strlen(word)) == 0;
}

static int answer(struct connection *c, const char *status, const char *body) {
    char text[1024];
    int size = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                        strlen(body), c->closes ? "Connection: close\r\n" : "", body);
    /* An answer is far smaller than a socket's buffer, so a partial write means that the peer is gone. */
    if (send(c->socket, text, size, MSG_NOSIGNAL) != size || c->closes)
        return ENDED;
    c->head_bytes = c->in_body = 0;
    return MORE;
}

static int answer_stats(struct connection *c) {
    char body[256];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(body, sizeof body, "{\"nanoseconds\": %lld, \"uploads\": %llu, \"records\": %llu, \"bytes\": %llu}",
             (long long)now.tv_sec * 1000000000LL + now.tv_nsec, (unsigned long long)uploads,
             (unsigned long long)records, (unsigned long long)bytes);
    return answer(c, "200 OK", body);
}

static int answer_upload(struct connection *c) {
    char body[256];
    int64_t rows = c->fixed_rows >= 0 ? c->fixed_rows : c->lines > 0 ? c->lines - 1 : 0;
    uploads++;
    records += rows;
    bytes += c->length;
    snprintf(body, sizeof body, "{\"success\": true, \"load_test_mode\": %s, \"processed_count\": %lld}",
             c->marked ? "true" : "false", (long long)rows);
    return answer(c, "200 OK", body);
}

/* Count the lines of the file between the part's head and the closing boundary. */
static void count(struct connection *c, const char *data, size_t size) {
    static const char blank[] = "\r\n\r\n";
    const char *end = data + size;
    int64_t past = c->seen + (int64_t)size - (c->length - c->tail);
    c->seen += size;
    while (c->part_head < 4 && data < end) {
        c->part_head = *data == blank[c->part_head] ? c->part_head + 1 : *data == '\r';
        data++;
    }
    if (past > 0)
        end -= past;
    if (c->fixed_rows < 0)
        for (; data < end && (data = memchr(data, '\n', end - data)) != NULL; data++)
            c->lines++;
}

static int begin(struct connection *c) {
    c->closes = says(header(c, "connection"), "close");
    if (strncmp(c->head, "GET /stats", 10) == 0)
        return answer_stats(c);
    const char *length = header(c, "content-length"), *type = header(c, "content-type");
    const char *boundary = type != NULL ? strcasestr(type, "boundary=") : NULL;
    if (strncmp(c->head, "POST ", 5) != 0 || length == NULL || boundary == NULL) {
        c->closes = 1;
        return answer(c, "400 Bad Request", "{\"error\": \"a form with a Content-Length is wanted\"}");
    }
    boundary += 9 + (boundary[9] == '"');
    c->tail = strcspn(boundary, "\"\r;") + 8;
    c->length = atoll(length);
    c->marked = says(header(c, "x-load-test"), "true");
    c->fixed_rows = strncmp(c->head + 5, "/rows/", 6) == 0 ? atol(c->head + 11) : -1;
    c->seen = c->lines = c->part_head = 0;
    c->in_body = 1;
    return says(header(c, "expect"), "100-continue") && send(c->socket, "HTTP/1.1 100 Continue\r\n\r\n", 25, MSG_NOSIGNAL) != 25
               ? ENDED : MORE;
}

static int take(struct connection *c, const char *data, size_t size) {
    while (size > 0) {
        size_t used = size;
        if (c->in_body) {
            if ((int64_t)used > c->length - c->seen)
                used = c->length - c->seen;
            count(c, data, used);
        } else {
            int before = c->head_bytes;
            if (used > (size_t)(HEAD_LIMIT - 1 - before))
                used = HEAD_LIMIT - 1 - before;
            memcpy(c->head + before, data, used);
            c->head[before + used] = 0;
            char *blank = strstr(c->head, "\r\n\r\n");
            if (blank == NULL) {
                if (before + used == HEAD_LIMIT - 1)
                    return ENDED;
                c->head_bytes += used;
                return MORE;
            }
            used = blank + 4 - c->head - before;
            blank[2] = 0;
            if (begin(c) == ENDED)
                return ENDED;
        }
        data += used;
        size -= used;
        if (c->in_body && c->seen == c->length && answer_upload(c) == ENDED)
            return ENDED;
    }
    return MORE;
}

static void open_connection(int listener, int events) {
    int one = 1, peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0)
        return;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct connection *c = calloc(1, sizeof *c);
    c->socket = peer;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(events, EPOLL_CTL_ADD, peer, &event);
}

static void serve(struct connection *c) {
    ssize_t got = read(c->socket, buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0 || take(c, buffer, got) == ENDED) {
        close(c->socket);
        free(c);
    }
}

int main(void) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), events = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t width = sizeof address;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, width) != 0 || listen(listener, 1024) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &width) != 0) {
        perror("sink");
        return 1;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
    static struct connection owner;
    event.data.ptr = &owner;
    epoll_ctl(events, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event ready[EVENTS];
        int many = epoll_wait(events, ready, EVENTS, -1);
        for (int i = 0; i < many; i++) {
            if (ready[i].data.ptr == &owner)
                return 0;
            if (ready[i].data.ptr == NULL)
                open_connection(listener, events);
            else
                serve(ready[i].data.ptr);
        }
    }
}
