/* The fastest way to delete: one unlinkat for each name that comes NUL-terminated on standard input, nothing else.
   Prints how many there were and the nanoseconds that took. With the word `sync` it syncs the file system at the end. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **words) {
    static char names[1 << 26];
    size_t length = 0;
    unsigned long done = 0;
    ssize_t got;
    struct timespec begin, end;
    while ((got = read(0, names + length, sizeof names - length)) > 0) length += (size_t)got;
    int directory = open(words[1], O_RDONLY | O_DIRECTORY);
    if (count < 2 || directory < 0) return 2;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (char *name = names; name < names + length; name += strlen(name) + 1)
        done += unlinkat(directory, name, 0) == 0;
    if (count > 2) syncfs(directory);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%lu %ld\n", done, (end.tv_sec - begin.tv_sec) * 1000000000L + end.tv_nsec - begin.tv_nsec);
    return 0;
}
