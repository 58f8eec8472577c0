/* The simplest program that enforces a rule by the age of files: lists every directory, stats every file, unlinks what
   was written before the second that is its second word. Prints how many it unlinked. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long sweep(int directory, time_t before) {
    unsigned long done = 0;
    struct dirent *entry;
    struct stat status;
    DIR *list = fdopendir(directory);
    if (list == NULL) return 0;
    while ((entry = readdir(list)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (entry->d_type == DT_DIR) {
            int below = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            if (below >= 0) done += sweep(below, before);
        } else if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mtime < before) {
            done += unlinkat(directory, entry->d_name, 0) == 0;
        }
    }
    closedir(list);
    return done;
}

int main(int count, char **words) {
    int top = count == 3 ? open(words[1], O_RDONLY | O_DIRECTORY) : -1;
    if (top < 0) return 2;
    printf("%lu\n", sweep(top, (time_t)atoll(words[2])));
    return 0;
}
