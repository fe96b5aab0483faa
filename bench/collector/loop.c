/* The physical limit of make bench-collector: one thread, sendmmsg and recvmmsg, no retries, replies read in place.
 *
 * loop PORT FIRST DEVICES ROUNDS WINDOW COLUMNS STAMPS: polls so many devices so many times, WINDOW at once. COLUMNS 0
 * asks a CPE for the twelve objects of load.py in one GET; otherwise a router's 48 rows are walked with GETBULK, that
 * many columns at a time. STAMPS 1 takes the kernel's receive time of each reply. Prints polls, values read, polls
 * failed, seconds and CPU seconds as JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { PACKET = 2048, BATCH = 64, ROWS = 48, REPETITIONS = 6, MOST = 65536 };

struct varbind { const char *oid; int size; };
static const struct varbind asked[] = {
    {"\x2b\6\1\2\1\1\3\0", 8}, {"\x2b\6\1\6\3\x0a\2\1\3\0", 10}, {"\x2b\6\1\2\1\x1f\1\1\1\1\3", 11},
    {"\x2b\6\1\2\1\x1f\1\1\1\x0f\3", 11}, {"\x2b\6\1\2\1\2\2\1\x08\3", 10}, {"\x2b\6\1\2\1\x1f\1\1\1\6\3", 11},
    {"\x2b\6\1\2\1\x1f\1\1\1\x0a\3", 11}, {"\x2b\6\1\2\1\2\2\1\x0e\3", 10}, {"\x2b\6\1\2\1\2\2\1\x14\3", 10},
    {"\x2b\6\1\2\1\2\2\1\x0d\3", 10}, {"\x2b\6\1\2\1\2\2\1\x13\3", 10}, {"\x2b\6\1\2\1\x1f\1\1\1\x13\3", 11}};
static const struct varbind walked[] = {
    {"\x2b\6\1\2\1\x1f\1\1\1\1\0", 11}, {"\x2b\6\1\2\1\x1f\1\1\1\x0f\0", 11}, {"\x2b\6\1\2\1\2\2\1\x08\0", 10},
    {"\x2b\6\1\2\1\x1f\1\1\1\6\0", 11}, {"\x2b\6\1\2\1\x1f\1\1\1\x0a\0", 11}, {"\x2b\6\1\2\1\2\2\1\x0e\0", 10},
    {"\x2b\6\1\2\1\2\2\1\x14\0", 10}, {"\x2b\6\1\2\1\2\2\1\x0d\0", 10}, {"\x2b\6\1\2\1\2\2\1\x13\0", 10},
    {"\x2b\6\1\2\1\x1f\1\1\1\x13\0", 11}};

static uint8_t template[PACKET];
static int template_size, id_at, arc_at[64], columns, first_device, port;
static uint8_t row_of[MOST];
static uint32_t round_of[MOST];
static uint64_t values, checksum, failed;
static double rtt_sum;
static uint64_t sent_ns[MOST];

static uint64_t now_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void encode(void) {
    uint8_t list[PACKET];
    int used = 0, count = columns ? columns : (int)(sizeof asked / sizeof *asked);
    const struct varbind *objects = columns ? walked : asked;
    for (int i = 0; i < count; i++) {
        int size = objects[i].size;
        list[used++] = 0x30; list[used++] = (uint8_t)(size + 4);
        list[used++] = 0x06; list[used++] = (uint8_t)size;
        memcpy(list + used, objects[i].oid, (size_t)size);
        used += size;
        arc_at[i] = used - 1;
        list[used++] = 0x05; list[used++] = 0;
    }
    int body = used + 4 + 6 + 6, message = body + 4 + 3 + 8;
    uint8_t *o = template;
    *o++ = 0x30; *o++ = 0x82; *o++ = (uint8_t)(message >> 8); *o++ = (uint8_t)message;
    memcpy(o, "\2\1\1\4\6public", 11); o += 11;
    *o++ = columns ? 0xa5 : 0xa0; *o++ = 0x82; *o++ = (uint8_t)(body >> 8); *o++ = (uint8_t)body;
    memcpy(o, "\2\4\0\0\0\0\2\1\0\2\1\0", 12);
    id_at = (int)(o - template) + 2;
    if (columns) o[11] = REPETITIONS;
    o += 12;
    *o++ = 0x30; *o++ = 0x82; *o++ = (uint8_t)(used >> 8); *o++ = (uint8_t)used;
    memcpy(o, list, (size_t)used);
    for (int i = 0; i < count; i++) arc_at[i] += (int)(o - template);
    template_size = (int)(o - template) + used;
}

static struct sockaddr_in address_of(uint32_t device) {
    uint32_t n = (uint32_t)first_device + device;
    uint32_t host = 127u << 24 | (1 + n / 62500) << 16 | n / 250 % 250 << 8 | (1 + n % 250);
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(host)};
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

/* Read one reply in place; its device, or -1 where it is no good reply. */
static int take(const uint8_t *data, int length, const struct sockaddr_in *from, uint64_t stamp) {
    int size, rows = 0, column = 0;
    const uint8_t *at = content(data, &size);
    if (at + size != data + length) return -1;
    at += 11;
    if (*at != 0xa2) return -1;
    at = content(at, &size);
    at = content(at, &size);
    uint32_t id = 0;
    for (int i = 0; i < size; i++) id = id << 8 | at[i];
    uint32_t device = id & (MOST - 1);
    at += size;
    if (from->sin_addr.s_addr != address_of(device).sin_addr.s_addr || memcmp(at, "\2\1\0", 3)) return -1;
    at = content(at + 6, &size);
    for (const uint8_t *end = at + size; at < end; column++) {
        int bind, oid;
        at = content(at, &bind);
        const uint8_t *next = at + bind, *name = content(at, &oid);
        if (columns && column % columns == 0) {
            if (name[oid - 1] <= rows) break;
            rows = name[oid - 1];
        }
        at = content(name + oid, &size);
        uint64_t value = 0;
        for (int i = 0; i < size; i++) value = value << 8 | at[i];
        checksum += value;
        values++;
        at = next;
    }
    if (stamp) rtt_sum += (double)(stamp - sent_ns[device]) * 1e-9;
    if (columns) row_of[device] = (uint8_t)rows;
    return (int)device;
}

/* VmHWM: ru_maxrss would also count what the process that started this one had. */
static long peak_rss_bytes(void) {
    char line[256];
    long kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) if (sscanf(line, "VmHWM: %ld", &kilobytes) == 1) break;
    if (status) fclose(status);
    return kilobytes * 1024;
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    port = atoi(argv[1]);
    first_device = atoi(argv[2]);
    uint32_t devices = (uint32_t)atoi(argv[3]), rounds = (uint32_t)atoi(argv[4]), window = (uint32_t)atoi(argv[5]);
    columns = atoi(argv[6]);
    int has_stamps = atoi(argv[7]), buffer = 32 << 20, on = 1, opened = socket(AF_INET, SOCK_DGRAM, 0);
    if (devices > MOST || columns > 10) return 2;
    if (setsockopt(opened, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
        setsockopt(opened, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (has_stamps) setsockopt(opened, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    struct timeval limit = {1, 0};
    setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    encode();
    static uint8_t out[BATCH][PACKET], in[BATCH][PACKET];
    static struct sockaddr_in to[BATCH], from[BATCH];
    static char control[BATCH][64];
    static uint32_t again[MOST];
    struct mmsghdr messages[BATCH];
    struct iovec data[BATCH];
    uint32_t started = 0, in_flight = 0, continued = 0;
    uint64_t done = 0, all = (uint64_t)devices * rounds, begun = now_ns(CLOCK_MONOTONIC);
    while (done < all) {
        unsigned count = 0;
        while (count < BATCH && (continued || (in_flight < window && started < all))) {
            uint32_t device;
            if (continued) device = again[--continued];
            else { device = started++ % devices; row_of[device] = 0; in_flight++; }
            uint32_t id = ++round_of[device] << 16 | device | 0x40000000;
            memcpy(out[count], template, (size_t)template_size);
            for (int i = 0; i < 4; i++) out[count][id_at + i] = (uint8_t)(id >> (24 - 8 * i) & (i ? 0xff : 0x7f));
            for (int i = 0; i < columns; i++) out[count][arc_at[i]] = row_of[device];
            to[count] = address_of(device);
            data[count] = (struct iovec){out[count], (size_t)template_size};
            messages[count].msg_hdr = (struct msghdr){&to[count], sizeof *to, &data[count], 1, NULL, 0, 0};
            if (has_stamps) sent_ns[device] = now_ns(CLOCK_REALTIME);
            count++;
        }
        for (unsigned sent = 0; sent < count;) {
            int gone = sendmmsg(opened, messages + sent, count - sent, 0);
            if (gone <= 0) { perror("sendmmsg"); return 1; }
            sent += (unsigned)gone;
        }
        for (int i = 0; i < BATCH; i++) {
            data[i] = (struct iovec){in[i], PACKET};
            messages[i].msg_hdr = (struct msghdr){&from[i], sizeof *from, &data[i], 1, has_stamps ? control[i] : NULL,
                                                  has_stamps ? sizeof control[i] : 0, 0};
        }
        int heard = recvmmsg(opened, messages, BATCH, MSG_WAITFORONE, NULL);
        if (heard <= 0) { failed += in_flight; done += in_flight; in_flight = 0; continued = 0; continue; }
        for (int i = 0; i < heard; i++) {
            uint64_t stamp = 0;
            struct cmsghdr *c = has_stamps ? CMSG_FIRSTHDR(&messages[i].msg_hdr) : NULL;
            if (c) {
                struct timespec *t = (struct timespec *)CMSG_DATA(c);
                stamp = (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
            }
            int device = take(in[i], (int)messages[i].msg_len, &from[i], stamp);
            if (device < 0) { failed++; continue; }
            if (columns && row_of[device] < ROWS) { again[continued++] = (uint32_t)device; continue; }
            done++;
            in_flight--;
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    printf("{\"polls\": %llu, \"values\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f, \"rss_bytes\": %ld, "
           "\"checksum\": %llu}\n", (unsigned long long)done, (unsigned long long)values, (unsigned long long)failed,
           (double)(now_ns(CLOCK_MONOTONIC) - begun) * 1e-9, cpu, peak_rss_bytes(), (unsigned long long)checksum);
    return 0;
}
