/* Somebody who may write in a store, and does so as fast as the kernel lets him, until he is told to stop (SIGTERM).

   attacker exchange < pairs   exchanges the two names of each pair, one pair after the other, for ever
   attacker move < pairs       renames the first name of each pair to the second and back

   Names come NUL-terminated on standard input. Prints how often he succeeded. Ends with whoever started him. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void on_signal(int number) { (void)number; stop = 1; }

int main(int count, char **words) {
    static char names[1 << 22];
    static char *at[1 << 16];
    size_t length = 0, total = 0;
    unsigned long done = 0;
    ssize_t got;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (count != 2) return 2;
    while ((got = read(0, names + length, sizeof names - length)) > 0) length += (size_t)got;
    for (char *name = names; name < names + length && total < sizeof at / sizeof *at; name += strlen(name) + 1)
        at[total++] = name;
    if (total < 2 || total % 2) return 2;
    signal(SIGTERM, on_signal);
    int moves = strcmp(words[1], "move") == 0;
    puts("ready");
    fflush(stdout);
    while (!stop)
        for (size_t pair = 0; pair < total && !stop; pair += 2)
            if (moves) {
                done += renameat2(AT_FDCWD, at[pair], AT_FDCWD, at[pair + 1], RENAME_NOREPLACE) == 0;
                done += renameat2(AT_FDCWD, at[pair + 1], AT_FDCWD, at[pair], RENAME_NOREPLACE) == 0;
            } else
                done += renameat2(AT_FDCWD, at[pair], AT_FDCWD, at[pair + 1], RENAME_EXCHANGE) == 0;
    printf("%lu\n", done);
    return 0;
}
