/* The load of make bench-collector: SNMP v2c agents on every loopback address, one process, no allocation per packet.
 *
 * agent port=0 columns=10 delay=0 dead=0 drop=0 faults=0 renumber=420: prints "ready PORT STARTED" (Unix seconds) and answers until
 * it is killed. Addresses below 127.100.0.0 are CPE of 4 interfaces, the others routers of 48. Device number n lives at
 * 127.(1 + n / 62500).(n / 250 % 250).(1 + n % 250). Every counter is a straight line in time, so that what is read
 * can be checked: see load.py, which states the same lines.
 *
 * columns=8 leaves out ifOutDiscards and ifCounterDiscontinuityTime. delay=1 answers after 5 to 55 ms.
 * dead=5 leaves five of every hundred devices silent. drop=2 loses 2% of requests and of replies. faults=1: by n mod 4,
 * 0 restarts every 600 s (silent for 5 s, counters from zero), 1 renumbers its ifIndex every `renumber` s, 2 has only 32-bit
 * counters that wrap every few minutes, 3 behaves.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { MOST = 2048, CPE_INTERFACES = 4, ROUTER_INTERFACES = 48, REPLY = 1472, PACKET = 2048, BATCH = 64, SLOTS = 64 };
enum { GET = 0xa0, BULK = 0xa5, INTEGER = 2, OCTETS = 4, OBJECT = 6, COUNTER32 = 0x41, GAUGE = 0x42, TICKS = 0x43, COUNTER64 = 0x46 };
enum { RESTART_SECONDS = 600, SILENT_SECONDS = 5, BOOTED_BEFORE = 1234567 };

enum what { DESCRIPTION, IDENTITY, UPTIME, ENGINE_TIME, DESCR, SPEED, STATUS, IN32, IN_DISCARDS, IN_ERRORS, OUT32,
            OUT_DISCARDS, OUT_ERRORS, NAME, IN64, OUT64, HIGH_SPEED, ALIAS, DISCONTINUITY };
struct object { uint8_t oid[16]; int size; enum what what; int index; };
struct mib { struct object objects[MOST]; int count, interfaces; };
struct device { uint32_t number; int is_router, is_narrow, shift; double uptime; const struct mib *mib; };

static struct mib cpe, router, narrow_cpe, narrow_router;
static int has_faults, dead, drop, is_delayed, renumber = 420;
static uint64_t started_us, random_state = 88172645463325252ULL;

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t chance(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 20) % below);
}

/* --- what an agent holds --- */

static void add(struct mib *mib, const char *prefix, int size, int index, enum what what) {
    struct object *o = &mib->objects[mib->count++];
    memcpy(o->oid, prefix, (size_t)size);
    o->size = size;
    o->oid[o->size++] = (uint8_t)index;
    o->what = what;
    o->index = index;
}

static void lay(struct mib *mib, int interfaces, int is_narrow, int columns) {
    static const struct { uint8_t number; enum what what; } basic[] = {
        {2, DESCR}, {5, SPEED}, {8, STATUS}, {10, IN32}, {13, IN_DISCARDS}, {14, IN_ERRORS}, {16, OUT32},
        {19, OUT_DISCARDS}, {20, OUT_ERRORS}},
      extended[] = {{1, NAME}, {6, IN64}, {10, OUT64}, {15, HIGH_SPEED}, {18, ALIAS}, {19, DISCONTINUITY}};
    mib->interfaces = interfaces;
    add(mib, "\x2b\6\1\2\1\1\1", 7, 0, DESCRIPTION);
    add(mib, "\x2b\6\1\2\1\1\2", 7, 0, IDENTITY);
    add(mib, "\x2b\6\1\2\1\1\3", 7, 0, UPTIME);
    for (size_t c = 0; c < sizeof basic / sizeof *basic; c++) {
        char prefix[] = {0x2b, 6, 1, 2, 1, 2, 2, 1, (char)basic[c].number};
        if (columns == 8 && basic[c].what == OUT_DISCARDS) continue;
        for (int i = 1; i <= interfaces; i++) add(mib, prefix, sizeof prefix, i, basic[c].what);
    }
    for (size_t c = 0; c < sizeof extended / sizeof *extended; c++) {
        char prefix[] = {0x2b, 6, 1, 2, 1, 31, 1, 1, 1, (char)extended[c].number};
        enum what what = extended[c].what;
        if (columns == 8 && what == DISCONTINUITY) continue;
        if (is_narrow && (what == IN64 || what == OUT64 || what == HIGH_SPEED)) continue;
        for (int i = 1; i <= interfaces; i++) add(mib, prefix, sizeof prefix, i, what);
    }
    add(mib, "\x2b\6\1\6\3\x0a\2\1\3", 9, 0, ENGINE_TIME);
}

/* The device behind an address as it is now; 0 where nobody answers. */
static int look_up(const uint8_t *address, uint64_t now, struct device *d) {
    uint32_t n = (address[1] - 1u) * 62500 + address[2] * 250u + address[3] - 1u;
    double elapsed = (double)(now - started_us) * 1e-6;
    memset(d, 0, sizeof *d);
    d->number = n;
    d->is_router = address[1] >= 100;
    d->uptime = BOOTED_BEFORE + elapsed;
    if (n % 100 < (uint32_t)dead) return 0;
    if (has_faults && n % 4 == 0) {
        double since = elapsed + n * 37 % RESTART_SECONDS;
        if (since >= RESTART_SECONDS) d->uptime = since - (double)((int)since / RESTART_SECONDS * RESTART_SECONDS);
        if (since >= RESTART_SECONDS && d->uptime < SILENT_SECONDS) return 0;
    }
    if (has_faults && n % 4 == 1) d->shift = (int)(elapsed + n * 53 % (uint32_t)renumber) / renumber;
    d->is_narrow = has_faults && n % 4 == 2;
    d->mib = d->is_router ? (d->is_narrow ? &narrow_router : &router) : (d->is_narrow ? &narrow_cpe : &cpe);
    return 1;
}

/* Bytes a second that an interface receives; it transmits an eighth of that. */
static uint64_t rate(const struct device *d, int interface) {
    uint64_t own = 100000 + 1000 * ((d->number * 7 + (uint32_t)interface * 13) % 900);
    return d->is_narrow ? 4000000 + 5 * own : own;
}

static uint64_t passed(const struct device *d, uint64_t per_second, uint64_t now) {
    int is_from_zero = d->uptime < BOOTED_BEFORE;
    uint64_t us = is_from_zero ? (uint64_t)(d->uptime * 1e6) : now - started_us;
    return per_second * (us / 1000) / 1000 + (is_from_zero ? 0 : 123456789012ULL + d->number * 1000003ULL);
}

/* --- answers --- */

static int put_number(uint8_t *at, uint8_t tag, uint64_t value) {
    uint8_t bytes[9];
    int size = 0;
    do { bytes[size++] = value & 0xff; value >>= 8; } while (value);
    if (bytes[size - 1] & 0x80) bytes[size++] = 0;
    at[0] = tag;
    at[1] = (uint8_t)size;
    for (int i = 0; i < size; i++) at[2 + i] = bytes[size - 1 - i];
    return 2 + size;
}

static int put_text(uint8_t *at, uint8_t tag, const char *text, size_t size) {
    at[0] = tag;
    at[1] = (uint8_t)size;
    memcpy(at + 2, text, size);
    return 2 + (int)size;
}

static int put_value(uint8_t *at, const struct device *d, const struct object *o, uint64_t now) {
    char text[32];
    int k = d->mib->interfaces ? (o->index - 1 + d->mib->interfaces - d->shift % d->mib->interfaces) % d->mib->interfaces + 1 : 0;
    uint64_t slow = (uint64_t)(d->uptime < BOOTED_BEFORE ? d->uptime : d->uptime - BOOTED_BEFORE) / 10;
    switch (o->what) {
    case DESCRIPTION: return put_text(at, OCTETS, "agent of a benchmark", 20);
    case IDENTITY: return put_text(at, OBJECT, "\x2b\6\1\4\1\x86\x8d\x1f\1", 9);
    case UPTIME: return put_number(at, TICKS, (uint64_t)(d->uptime * 100) & 0xffffffff);
    case ENGINE_TIME: return put_number(at, INTEGER, (uint64_t)d->uptime);
    case DESCR: case NAME: return put_text(at, OCTETS, text, (size_t)snprintf(text, sizeof text, "if%d", k));
    case ALIAS: return put_text(at, OCTETS, text, (size_t)snprintf(text, sizeof text, "link %d", k));
    case SPEED: return put_number(at, GAUGE, d->is_narrow ? 100000000 : 1000000000);
    case HIGH_SPEED: return put_number(at, GAUGE, 1000);
    case STATUS: return put_number(at, INTEGER, 1);
    case IN32: return put_number(at, COUNTER32, passed(d, rate(d, k), now) & 0xffffffff);
    case OUT32: return put_number(at, COUNTER32, passed(d, rate(d, k) / 8, now) & 0xffffffff);
    case IN64: return put_number(at, COUNTER64, passed(d, rate(d, k), now));
    case OUT64: return put_number(at, COUNTER64, passed(d, rate(d, k) / 8, now));
    case IN_DISCARDS: return put_number(at, COUNTER32, 100 + (uint64_t)k + slow);
    case IN_ERRORS: return put_number(at, COUNTER32, 200 + (uint64_t)k + slow);
    case OUT_DISCARDS: return put_number(at, COUNTER32, 300 + (uint64_t)k + slow);
    case OUT_ERRORS: return put_number(at, COUNTER32, 400 + (uint64_t)k + slow);
    case DISCONTINUITY: return put_number(at, TICKS, 0);
    }
    return 0;
}

/* Arcs of one byte and of two sort alike as bytes, so memcmp finds the place. */
static const struct object *find(const struct mib *mib, const uint8_t *oid, int size, int is_exact) {
    int low = 0, high = mib->count;
    while (low < high) {
        int middle = (low + high) / 2;
        const struct object *o = &mib->objects[middle];
        int order = memcmp(o->oid, oid, (size_t)(o->size < size ? o->size : size));
        if (!order) order = o->size - size;
        if (order < 0 || (order == 0 && !is_exact)) low = middle + 1; else high = middle;
    }
    if (low == mib->count) return NULL;
    const struct object *o = &mib->objects[low];
    return is_exact && (o->size != size || memcmp(o->oid, oid, (size_t)size)) ? NULL : o;
}

static const uint8_t *content(const uint8_t *at, int *size) {
    at++;
    *size = *at++;
    if (*size & 0x80) {
        int width = *size & 0x7f;
        for (*size = 0; width--; at++) *size = *size << 8 | *at;
    }
    return at;
}

static int number(const uint8_t **at) {
    int size, value = 0;
    const uint8_t *bytes = content(*at, &size);
    for (int i = 0; i < size; i++) value = value << 8 | bytes[i];
    *at = bytes + size;
    return value;
}

static int reply(const struct device *d, const uint8_t *request, uint8_t *out, uint64_t now) {
    static uint8_t binds[PACKET];
    struct { const uint8_t *oid; int size; } column[64];
    int size, wanted = 0, used = 0;
    const uint8_t *head = content(request, &size), *at = head;
    number(&at);
    at = content(at, &size) + size;
    int head_size = (int)(at - head), kind = *at;
    const uint8_t *id = content(at, &size);
    at = id;
    number(&at);
    int id_size = (int)(at - id);
    number(&at);
    int repetitions = number(&at);
    at = content(at, &size);
    for (const uint8_t *end = at + size; at < end && wanted < 64; wanted++) {
        int bind, oid;
        at = content(at, &bind);
        column[wanted].oid = content(at, &oid);
        column[wanted].size = oid;
        at += bind;
    }
    for (int row = 0; row < (kind == BULK ? repetitions : 1); row++)
        for (int i = 0; i < wanted && used < REPLY - 120; i++) {
            const struct object *o = find(d->mib, column[i].oid, column[i].size, kind == GET);
            if (o) { column[i].oid = o->oid; column[i].size = o->size; }
            uint8_t *start = binds + used, *to = start + 2;
            to += put_text(to, OBJECT, (const char *)column[i].oid, (size_t)column[i].size);
            if (o) to += put_value(to, d, o, now);
            else { *to++ = kind == GET ? 0x80 : 0x82; *to++ = 0; }
            start[0] = 0x30;
            start[1] = (uint8_t)(to - start - 2);
            used += (int)(to - start);
        }
    int list = used + 4, body = id_size + 6 + list, message = head_size + body + 4;
    uint8_t *o = out;
    *o++ = 0x30; *o++ = 0x82; *o++ = (uint8_t)(message >> 8); *o++ = (uint8_t)message;
    memcpy(o, head, (size_t)head_size); o += head_size;
    *o++ = 0xa2; *o++ = 0x82; *o++ = (uint8_t)(body >> 8); *o++ = (uint8_t)body;
    memcpy(o, id, (size_t)id_size); o += id_size;
    memcpy(o, "\2\1\0\2\1\0", 6); o += 6;
    *o++ = 0x30; *o++ = 0x82; *o++ = (uint8_t)(used >> 8); *o++ = (uint8_t)used;
    memcpy(o, binds, (size_t)used);
    return (int)(o - out) + used;
}

/* --- packets --- */

struct answer { struct sockaddr_in to; struct in_addr from; int size; struct answer *next; uint8_t data[PACKET]; };

static struct answer *slots[SLOTS], *spare;
static uint64_t slot_ms;
static int waiting;

static struct answer *take_spare(void) {
    struct answer *a = spare;
    if (a) spare = a->next; else if (!(a = malloc(sizeof *a))) abort();
    return a;
}

static void send_all(int socket, struct answer *first) {
    static struct mmsghdr messages[BATCH];
    static struct iovec data[BATCH];
    static char control[BATCH][CMSG_SPACE(sizeof(struct in_pktinfo))];
    while (first) {
        struct answer *sent = first;
        unsigned count = 0;
        for (; first && count < BATCH; first = first->next, count++) {
            data[count] = (struct iovec){first->data, (size_t)first->size};
            struct msghdr *m = &messages[count].msg_hdr;
            *m = (struct msghdr){&first->to, sizeof first->to, &data[count], 1, control[count], sizeof control[count], 0};
            struct cmsghdr *c = CMSG_FIRSTHDR(m);
            c->cmsg_level = IPPROTO_IP;
            c->cmsg_type = IP_PKTINFO;
            c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
            *(struct in_pktinfo *)CMSG_DATA(c) = (struct in_pktinfo){.ipi_spec_dst = first->from};
        }
        for (unsigned done = 0; done < count;) {
            int gone = sendmmsg(socket, messages + done, count - done, 0);
            done += gone > 0 ? (unsigned)gone : 1;
        }
        while (sent != first) { struct answer *next = sent->next; sent->next = spare; spare = sent; sent = next; }
    }
}

static void send_due(int socket, uint64_t now) {
    for (; slot_ms < now / 1000; slot_ms++) {
        struct answer *due = slots[slot_ms % SLOTS];
        slots[slot_ms % SLOTS] = NULL;
        for (struct answer *a = due; a; a = a->next) waiting--;
        send_all(socket, due);
    }
}

static void serve(int socket) {
    static uint8_t in[BATCH][PACKET];
    static char control[BATCH][128];
    static struct sockaddr_in from[BATCH];
    struct mmsghdr messages[BATCH];
    struct iovec data[BATCH];
    for (slot_ms = now_us() / 1000;;) {
        struct pollfd readable = {socket, POLLIN, 0};
        poll(&readable, 1, waiting ? 1 : -1);
        for (int i = 0; i < BATCH; i++) {
            data[i] = (struct iovec){in[i], sizeof in[i]};
            messages[i].msg_hdr = (struct msghdr){&from[i], sizeof from[i], &data[i], 1, control[i], sizeof control[i], 0};
        }
        int count = recvmmsg(socket, messages, BATCH, MSG_DONTWAIT, NULL);
        uint64_t now = now_us();
        struct answer *at_once = NULL;
        if (!waiting) slot_ms = now / 1000;
        for (int i = 0; i < count; i++) {
            struct cmsghdr *c = CMSG_FIRSTHDR(&messages[i].msg_hdr);
            if (!c || c->cmsg_type != IP_PKTINFO || messages[i].msg_len < 20) continue;
            struct device d;
            struct in_addr to = ((struct in_pktinfo *)CMSG_DATA(c))->ipi_addr;
            if (!look_up((const uint8_t *)&to, now, &d)) continue;
            if (drop && (chance(100) < (uint32_t)drop || chance(100) < (uint32_t)drop)) continue;
            struct answer *a = take_spare();
            a->to = from[i];
            a->from = to;
            a->size = reply(&d, in[i], a->data, now);
            struct answer **queue = is_delayed ? &slots[(now / 1000 + 5 + chance(51)) % SLOTS] : &at_once;
            a->next = *queue;
            *queue = a;
            waiting += is_delayed;
        }
        send_all(socket, at_once);
        send_due(socket, now);
    }
}

int main(int argc, char **argv) {
    int port = 0, columns = 10, on = 1, buffer = 32 << 20;
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        int value = equals ? atoi(equals + 1) : -1;
        if (!strncmp(argv[i], "port=", 5)) port = value;
        else if (!strncmp(argv[i], "columns=", 8)) columns = value;
        else if (!strncmp(argv[i], "delay=", 6)) is_delayed = value;
        else if (!strncmp(argv[i], "dead=", 5)) dead = value;
        else if (!strncmp(argv[i], "drop=", 5)) drop = value;
        else if (!strncmp(argv[i], "faults=", 7)) has_faults = value;
        else if (!strncmp(argv[i], "renumber=", 9) && value > 0) renumber = value;
        else { fprintf(stderr, "agent: what is %s?\n", argv[i]); return 2; }
    }
    lay(&cpe, CPE_INTERFACES, 0, columns);
    lay(&router, ROUTER_INTERFACES, 0, columns);
    lay(&narrow_cpe, CPE_INTERFACES, 1, columns);
    lay(&narrow_router, ROUTER_INTERFACES, 1, columns);
    int opened = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = INADDR_ANY};
    socklen_t size = sizeof here;
    if (setsockopt(opened, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
        setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(opened, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
    setsockopt(opened, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (bind(opened, (struct sockaddr *)&here, sizeof here) || getsockname(opened, (struct sockaddr *)&here, &size)) {
        perror("bind");
        return 1;
    }
    started_us = now_us();
    printf("ready %d %llu.%06llu\n", ntohs(here.sin_port), (unsigned long long)(started_us / 1000000),
           (unsigned long long)(started_us % 1000000));
    fflush(stdout);
    serve(opened);
}
