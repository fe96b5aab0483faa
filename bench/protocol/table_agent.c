/* An SNMP v2c agent that serves a recording (.snmprec) from memory, fast enough to time walks of large tables.
 *
 * table_agent port=0 wait=0 FILE: prints "ready PORT" and answers GET, GETNEXT and GETBULK for any community until it is
 * killed. Numbers in FILE do not change. wait=2000 lets each answer take 2 ms, one after the other, as a slow device does.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY = 1472, PACKET = 9000, NAME = 256, WANTED = 128 };
struct object { uint32_t *ids; int length; uint8_t *cell; int size; };

static struct object *objects;
static int count;

static int put_length(uint8_t *at, int n) {
    if (n < 128) { at[0] = (uint8_t)n; return 1; }
    at[0] = 0x82; at[1] = (uint8_t)(n >> 8); at[2] = (uint8_t)n;
    return 3;
}

static int put_tlv(uint8_t *at, uint8_t tag, const uint8_t *content, int n) {
    at[0] = tag;
    int head = 1 + put_length(at + 1, n);
    memcpy(at + head, content, (size_t)n);
    return head + n;
}

static int put_oid(uint8_t *at, const uint32_t *ids, int n) {
    uint8_t *start = at;
    for (int i = 1; i < n; i++) {
        uint32_t id = i == 1 ? ids[0] * 40 + ids[1] : ids[i];
        for (int shift = 28; shift; shift -= 7) if (id >> shift) *at++ = (uint8_t)(0x80 | (id >> shift & 0x7f));
        *at++ = (uint8_t)(id & 0x7f);
    }
    return (int)(at - start);
}

static int get_oid(const uint8_t *at, int n, uint32_t *ids) {
    int length = 1;
    uint32_t id = 0;
    for (int i = 0; i < n && length < 127; i++) {
        id = id << 7 | (at[i] & 0x7f);
        if (at[i] & 0x80) continue;
        if (length == 1) { ids[0] = id / 40 < 2 ? id / 40 : 2; id -= ids[0] * 40; }
        ids[length++] = id;
        id = 0;
    }
    return length;
}

static int get_ids(const char *text, uint32_t *ids) {
    int n = 0;
    while (n < 127) {
        char *end;
        ids[n++] = (uint32_t)strtoul(text, &end, 10);
        if (*end != '.') return n;
        text = end + 1;
    }
    return n;
}

static int put_value(uint8_t *at, const char *kind, const char *text) {
    int tag = atoi(kind);
    uint8_t content[2048];
    int n = 0;
    if (strchr(kind, 'x')) for (; text[2 * n] && n < 2000; n++) { char two[] = {text[2 * n], text[2 * n + 1], 0}; content[n] = (uint8_t)strtoul(two, 0, 16); }
    else if (tag == 6) { uint32_t ids[128]; n = put_oid(content, ids, get_ids(text, ids)); }
    else if (tag == 2 || tag >= 65) {
        uint64_t value = tag == 2 ? (uint64_t)strtoll(text, 0, 10) : strtoull(text, 0, 10);
        int bytes = 9;
        content[0] = tag == 2 && value >> 63 ? 0xff : 0;
        for (int i = 0; i < 8; i++) content[1 + i] = (uint8_t)(value >> (56 - 8 * i));
        uint8_t *first = content;
        while (bytes > 1 && ((first[0] == 0 && !(first[1] & 0x80)) || (first[0] == 0xff && first[1] & 0x80))) { first++; bytes--; }
        memmove(content, first, (size_t)bytes);
        n = bytes;
    } else if (tag == 64) n = inet_pton(AF_INET, text, content) == 1 ? 4 : 0;
    else { n = (int)strlen(text) < 2000 ? (int)strlen(text) : 2000; memcpy(content, text, (size_t)n); }
    return put_tlv(at, (uint8_t)(tag == 4 || !tag ? 4 : tag), content, n);
}

static int compare(const uint32_t *a, int n, const uint32_t *b, int m) {
    for (int i = 0; i < n && i < m; i++) if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return n - m;
}

static int by_name(const void *a, const void *b) {
    const struct object *x = a, *y = b;
    return compare(x->ids, x->length, y->ids, y->length);
}

static void load(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) { perror(path); exit(2); }
    static char line[65536];
    int room = 0;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = 0;
        char *kind = strchr(line, '|'), *text = kind ? strchr(kind + 1, '|') : 0;
        if (!text) continue;
        *kind++ = *text++ = 0;
        if (count == room) objects = realloc(objects, (size_t)(room = 2 * room + 64) * sizeof *objects);
        uint32_t ids[128];
        uint8_t cell[4096], name[NAME * 3];
        struct object *o = &objects[count++];
        o->length = get_ids(line, ids);
        o->ids = memcpy(malloc((size_t)o->length * 4), ids, (size_t)o->length * 4);
        int size = put_tlv(cell, 6, name, put_oid(name, ids, o->length));
        size += put_value(cell + size, kind, text);
        o->cell = malloc((size_t)size + 4);
        o->size = put_tlv(o->cell, 0x30, cell, size);
    }
    fclose(file);
    qsort(objects, (size_t)count, sizeof *objects, by_name);
}

/* The first object at or after a name; after it where `beyond`. */
static int find(const uint32_t *ids, int n, int beyond) {
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2, order = compare(objects[middle].ids, objects[middle].length, ids, n);
        if (order < 0 || (beyond && !order)) low = middle + 1; else high = middle;
    }
    return low;
}

static int open_tlv(const uint8_t **at, const uint8_t *end) {
    if (end - *at < 2) return -1;
    int n = (*at)[1];
    *at += 2;
    if (n & 0x80) { int bytes = n & 0x7f; for (n = 0; bytes--; (*at)++) n = n << 8 | **at; }
    return end - *at < n ? -1 : n;
}

static int number(const uint8_t **at, const uint8_t *end) {
    int n = open_tlv(at, end), value = 0;
    while (n-- > 0) value = value << 8 | *(*at)++;
    return value;
}

static int put_absent(uint8_t *at, const uint32_t *ids, int length, uint8_t why) {
    uint8_t name[NAME * 3], cell[1024];
    int n = put_tlv(cell, 6, name, put_oid(name, ids, length));
    cell[n++] = why;
    cell[n++] = 0;
    return put_tlv(at, 0x30, cell, n);
}

static int answer(const uint8_t *packet, int size, uint8_t *reply) {
    const uint8_t *at = packet, *end = packet + size, *head, *id;
    if (open_tlv(&at, end) < 0) return 0;
    head = at;
    at += open_tlv(&at, end);
    int n = open_tlv(&at, end);
    at += n;
    int head_size = (int)(at - head), kind = *at;
    if (open_tlv(&at, end) < 0) return 0;
    id = at;
    at += open_tlv(&at, end);
    int id_size = (int)(at - id), before = number(&at, end), rows = number(&at, end), wanted = 0;
    static uint8_t binds[65536], body[65536], pdu[65536];
    static uint32_t ids[WANTED][128];
    int length[WANTED], next[WANTED];
    if (open_tlv(&at, end) < 0) return 0;
    while (at < end && wanted < WANTED) {
        int inside = open_tlv(&at, end);
        const uint8_t *stop = at + inside;
        n = open_tlv(&at, end);
        length[wanted] = get_oid(at, n, ids[wanted]);
        next[wanted] = find(ids[wanted], length[wanted], kind != 0xa0);
        wanted++;
        at = stop;
    }
    if (kind != 0xa5) rows = 1, before = 0;
    int used = 0, room = REPLY - 60 - head_size, is_full = 0;
    for (int row = 0; row < rows && !is_full; row++)
        for (int w = row ? before : 0; w < wanted; w++) {
            struct object *o = next[w] < count ? &objects[next[w]] : 0;
            if (kind == 0xa0 && o && compare(o->ids, o->length, ids[w], length[w])) o = 0;
            if (used + (o ? o->size : 64) > room && kind == 0xa5) { is_full = 1; break; }
            if (o) { memcpy(binds + used, o->cell, (size_t)o->size); used += o->size; next[w]++; }
            else used += put_absent(binds + used, ids[w], length[w], kind == 0xa0 ? 0x81 : 0x82);
        }
    memcpy(body, id, (size_t)id_size);
    n = id_size;
    memcpy(body + n, "\2\1\0\2\1\0", 6);
    n += 6;
    n += put_tlv(body + n, 0x30, binds, used);
    memcpy(pdu, head, (size_t)head_size);
    n = head_size + put_tlv(pdu + head_size, 0xa2, body, n);
    return put_tlv(reply, 0x30, pdu, n);
}

int main(int argc, char **argv) {
    int port = 0, wait = 0;
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "port=", 5)) port = atoi(argv[i] + 5);
        else if (!strncmp(argv[i], "wait=", 5)) wait = atoi(argv[i] + 5);
        else load(argv[i]);
    }
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}, peer;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof here;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(s, (struct sockaddr *)&here, sizeof here) || getsockname(s, (struct sockaddr *)&here, &size)) { perror("bind"); return 2; }
    printf("ready %d\n", ntohs(here.sin_port));
    fflush(stdout);
    static uint8_t packet[PACKET], reply[65536];
    for (;;) {
        size = sizeof peer;
        ssize_t n = recvfrom(s, packet, sizeof packet, 0, (struct sockaddr *)&peer, &size);
        if (n <= 0) continue;
        if (wait) usleep((useconds_t)wait);
        int length = answer(packet, (int)n, reply);
        if (length) sendto(s, reply, (size_t)length, 0, (struct sockaddr *)&peer, size);
    }
}
