/* The driver of the exporters that are measured: HTTP/1.1 GETs over kept connections, closed loop or evenly paced.
 *
 * scrape PORT MODULE TARGET_PORT FIRST DEVICES SCRAPES CONNECTIONS RATE GZIP OUTPUT: asks for
 * /snmp?module=MODULE&target=127.x.y.z:TARGET_PORT as Prometheus does, each device in turn. RATE 0 keeps all connections
 * busy; else so many scrapes a second begin evenly. Every body goes to OUTPUT as device number, size (both 32-bit
 * little endian), bytes. Prints scrapes, failed ones and seconds as JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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

enum { ANSWER = 1 << 20, MOST = 1024 };

struct connection { int socket, used, is_busy; uint32_t device; char *answer; };

static struct connection connections[MOST];
static int idle[MOST], idle_count, polling, port, target_port, has_gzip, devices;
static uint32_t first_device;
static const char *module;
static uint64_t failed, done;
static FILE *output;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void open_connection(int place) {
    struct connection *c = &connections[place];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    c->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->socket, (struct sockaddr *)&to, sizeof to)) { perror("connect"); exit(1); }
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->socket, F_SETFL, O_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)place};
    epoll_ctl(polling, EPOLL_CTL_ADD, c->socket, &event);
    c->used = c->is_busy = 0;
}

static void ask(uint64_t number) {
    int place = idle[--idle_count];
    struct connection *c = &connections[place];
    c->device = first_device + (uint32_t)(number % (uint64_t)devices);
    c->used = 0;
    c->is_busy = 1;
    char request[512];
    int size = snprintf(request, sizeof request,
        "GET /snmp?module=%s&target=127.%u.%u.%u%%3A%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
        "User-Agent: Prometheus/2.42.0\r\nAccept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
        "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n%sX-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n",
        module, 1 + c->device / 62500, c->device / 250 % 250, 1 + c->device % 250, target_port, port,
        has_gzip ? "Accept-Encoding: gzip\r\n" : "");
    if (send(c->socket, request, (size_t)size, MSG_NOSIGNAL) != size) { perror("send"); exit(1); }
}

/* The size of a whole body, which is moved to the front of the answer; -1 while more is to come. */
static int whole_body(struct connection *c) {
    char *end = c->used > 12 ? memmem(c->answer, (size_t)c->used, "\r\n\r\n", 4) : NULL;
    if (!end) return -1;
    *end = 0;
    char *body = end + 4, *last = c->answer + c->used;
    char *length = strcasestr(c->answer, "\r\nContent-Length:"), *chunked = strcasestr(c->answer, "\r\nTransfer-Encoding: chunked");
    int size = length ? atoi(length + 17) : 0;
    *end = '\r';
    if (!chunked) {
        if (last - body < size) return -1;
        memmove(c->answer, body, (size_t)size);
        return size;
    }
    char *scan = body;
    for (;;) {
        char *line = memmem(scan, (size_t)(last - scan), "\r\n", 2);
        if (!line) return -1;
        long chunk = strtol(scan, NULL, 16);
        scan = line + 2 + chunk + 2;
        if (scan > last) return -1;
        if (!chunk) break;
    }
    char *to = c->answer;
    for (scan = body; ; ) {
        char *line = memmem(scan, (size_t)(last - scan), "\r\n", 2);
        long chunk = strtol(scan, NULL, 16);
        if (!chunk) return (int)(to - c->answer);
        memmove(to, line + 2, (size_t)chunk);
        to += chunk;
        scan = line + 2 + chunk + 2;
    }
}

static void hear(int place) {
    struct connection *c = &connections[place];
    ssize_t got = recv(c->socket, c->answer + c->used, (size_t)(ANSWER - c->used), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        close(c->socket);
        if (c->is_busy) { failed++; done++; idle[idle_count++] = place; }
        open_connection(place);
        return;
    }
    c->used += (int)got;
    int is_good = !strncmp(c->answer, "HTTP/1.1 200", 12), size = whole_body(c);
    if (size < 0) return;
    if (is_good) {
        uint32_t head[2] = {c->device, (uint32_t)size};
        fwrite(head, sizeof head, 1, output);
        fwrite(c->answer, 1, (size_t)size, output);
    } else failed++;
    done++;
    c->is_busy = 0;
    idle[idle_count++] = place;
}

int main(int argc, char **argv) {
    if (argc != 11) return 2;
    port = atoi(argv[1]);
    module = argv[2];
    target_port = atoi(argv[3]);
    first_device = (uint32_t)atoi(argv[4]);
    devices = atoi(argv[5]);
    uint64_t scrapes = (uint64_t)atoll(argv[6]), started = 0;
    int count = atoi(argv[7]);
    double rate = atof(argv[8]);
    has_gzip = atoi(argv[9]);
    output = fopen(argv[10], "wb");
    if (!output || count > MOST) return 2;
    polling = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        connections[i].answer = malloc(ANSWER + 1);
        idle[idle_count++] = i;
        open_connection(i);
    }
    double begun = now();
    while (done < scrapes) {
        double due = rate > 0 ? (now() - begun) * rate + 1 : (double)scrapes;
        while (idle_count && started < scrapes && (double)started < due) ask(started++);
        struct epoll_event events[64];
        int ready = epoll_wait(polling, events, 64, rate > 0 ? 1 : 1000);
        for (int i = 0; i < ready; i++) hear((int)events[i].data.u32);
    }
    double seconds = now() - begun;
    if (fclose(output)) return 1;
    printf("{\"polls\": %llu, \"failed\": %llu, \"seconds\": %.6f}\n", (unsigned long long)done, (unsigned long long)failed, seconds);
    return 0;
}
