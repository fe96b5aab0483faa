/* A cheap SNMP v2c agent for bench/wire.py: GET and GETBULK on every loopback address, one process, no allocation.
 *
 * wire_agent PORT INTERFACES: prints "ready" and answers until it is killed. Each reply comes from the address that
 * was asked. Counters grow by a packet's worth with every request. It checks nothing: it is a load, not a model.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST = 65536, REPLY = 1472, BUFFER = 65536 };

struct object { uint8_t oid[32]; int oid_size; uint8_t tag; uint64_t value; };

static struct object objects[MOST];
static int count;
static uint64_t traffic = 123456789012ULL;

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

static void add(const uint8_t *prefix, int size, int index, uint8_t tag, uint64_t value) {
    struct object *o = &objects[count++];
    memcpy(o->oid, prefix, size);
    o->oid_size = size;
    if (index >= 128) o->oid[o->oid_size++] = 0x80 | index >> 7;
    o->oid[o->oid_size++] = index & 0x7f;
    o->tag = tag;
    o->value = value;
}

/* Columns and indexes are added in ascending order, and base 128 of two bytes keeps it, so memcmp finds the place. */
static int find(const uint8_t *oid, int size, int after) {
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        struct object *o = &objects[middle];
        int least = o->oid_size < size ? o->oid_size : size;
        int order = memcmp(o->oid, oid, least);
        if (!order) order = o->oid_size - size;
        if (order < 0 || (order == 0 && after)) low = middle + 1; else high = middle;
    }
    return low;
}

static int put_varbind(uint8_t *at, const struct object *o, const uint8_t *oid, int oid_size) {
    uint8_t *start = at;
    at += 2;
    *at++ = 0x06; *at++ = (uint8_t)oid_size; memcpy(at, oid, oid_size); at += oid_size;
    if (!o) { *at++ = 0x82; *at++ = 0; }
    else if (o->tag == 0x04) {
        char name[16];
        int size = snprintf(name, sizeof name, "if%d", (int)o->value);
        *at++ = 0x04; *at++ = (uint8_t)size; memcpy(at, name, size); at += size;
    } else at += put_number(at, o->tag, o->tag == 0x46 ? o->value + traffic : o->value);
    start[0] = 0x30;
    start[1] = (uint8_t)(at - start - 2);
    return (int)(at - start);
}

static const uint8_t *skip(const uint8_t *at, int *size) {
    at++;
    *size = *at++;
    if (*size & 0x80) {
        int width = *size & 0x7f;
        *size = 0;
        while (width--) *size = *size << 8 | *at++;
    }
    return at;
}

static int reply(const uint8_t *request, uint8_t *out) {
    static uint8_t binds[BUFFER];
    int size, used = 0, wanted = 0;
    const uint8_t *at = skip(request, &size), *head = at;
    at = skip(at, &size); at += size;
    at = skip(at, &size); at += size;
    int head_size = (int)(at - head), kind = *at;
    at = skip(at, &size);
    const uint8_t *id = at;
    at = skip(at, &size); at += size;
    int id_size = (int)(at - id);
    at = skip(at, &size); at += size;
    const uint8_t *number = skip(at, &size);
    int repetitions = 0;
    for (int i = 0; i < size; i++) repetitions = repetitions << 8 | number[i];
    at = number + size;
    at = skip(at, &size);
    const uint8_t *end = at + size;
    struct { const uint8_t *oid; int size; } column[64];
    while (at < end && wanted < 64) {
        int bind, oid;
        at = skip(at, &bind);
        const uint8_t *next = at + bind;
        column[wanted].oid = skip(at, &oid);
        column[wanted++].size = oid;
        at = next;
    }
    int rows = kind == 0xa5 ? repetitions : 1;
    for (int row = 0; row < rows && used < REPLY - 120; row++)
        for (int i = 0; i < wanted && used < REPLY - 120; i++) {
            int place = find(column[i].oid, column[i].size, kind != 0xa0);
            struct object *o = place < count ? &objects[place] : NULL;
            if (o && kind == 0xa0 && (o->oid_size != column[i].size || memcmp(o->oid, column[i].oid, o->oid_size))) o = NULL;
            if (o) { column[i].oid = o->oid; column[i].size = o->oid_size; }
            used += put_varbind(binds + used, o, column[i].oid, column[i].size);
        }
    int list = used + 4, body = id_size + 6 + list, message = head_size + body + 4;
    uint8_t *o = out;
    *o++ = 0x30; *o++ = 0x82; *o++ = message >> 8; *o++ = message & 0xff;
    memcpy(o, head, head_size); o += head_size;
    *o++ = 0xa2; *o++ = 0x82; *o++ = body >> 8; *o++ = body & 0xff;
    memcpy(o, id, id_size); o += id_size;
    memcpy(o, "\x02\x01\x00\x02\x01\x00", 6); o += 6;
    *o++ = 0x30; *o++ = 0x82; *o++ = used >> 8; *o++ = used & 0xff;
    memcpy(o, binds, used);
    return (int)(o - out) + used;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int interfaces = atoi(argv[2]), opened = socket(AF_INET, SOCK_DGRAM, 0), on = 1, buffer = 16 << 20;
    add((uint8_t *)"\x2b\x06\x01\x02\x01\x01\x03", 7, 0, 0x43, 123456789);
    static const struct { uint8_t number, tag; uint32_t value; } basic[] = {
        {2, 0x04, 0}, {5, 0x42, 1000000000}, {7, 0x02, 1}, {8, 0x02, 1}, {10, 0x41, 12345}, {13, 0x41, 1},
        {14, 0x41, 2}, {16, 0x41, 54321}, {19, 0x41, 3}, {20, 0x41, 4}},
      extended[] = {{1, 0x04, 0}, {6, 0x46, 1}, {10, 0x46, 2}, {15, 0x42, 1000}, {18, 0x04, 0}, {19, 0x43, 0}};
    for (size_t c = 0; c < sizeof basic / sizeof *basic; c++)
        for (int i = 1; i <= interfaces; i++) {
            uint8_t prefix[] = {0x2b, 6, 1, 2, 1, 2, 2, 1, basic[c].number};
            add(prefix, sizeof prefix, i, basic[c].tag, basic[c].tag == 0x04 ? (uint64_t)i : basic[c].value);
        }
    for (size_t c = 0; c < sizeof extended / sizeof *extended; c++)
        for (int i = 1; i <= interfaces; i++) {
            uint8_t prefix[] = {0x2b, 6, 1, 2, 1, 31, 1, 1, 1, extended[c].number};
            add(prefix, sizeof prefix, i, extended[c].tag, extended[c].tag == 0x04 ? (uint64_t)i : extended[c].value);
        }
    add((uint8_t *)"\x2b\x06\x01\x06\x03\x0a\x02\x01\x03", 9, 0, 0x02, 1234567);
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = INADDR_ANY};
    setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(opened, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (bind(opened, (struct sockaddr *)&here, sizeof here)) { perror("bind"); return 1; }
    puts("ready");
    fflush(stdout);
    for (;;) {
        static uint8_t in[BUFFER], out[BUFFER];
        char control[128];
        struct sockaddr_in from;
        struct iovec data = {in, sizeof in};
        struct msghdr message = {&from, sizeof from, &data, 1, control, sizeof control, 0};
        ssize_t size = recvmsg(opened, &message, 0);
        if (size < 20) continue;
        traffic += 1500;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
            if (c->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(c);
                info->ipi_spec_dst = info->ipi_addr;
                info->ipi_ifindex = 0;
            }
        data.iov_base = out;
        data.iov_len = (size_t)reply(in, out);
        sendmsg(opened, &message, 0);
    }
}
