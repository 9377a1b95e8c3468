/*
 * The init that `--init` puts before a container's program: process 1 of the container.
 *
 * It starts the program in a process group of its own, makes that group the terminal's foreground
 * group, passes every signal on, collects whoever ended, and ends as the program ended: with its
 * exit code, or 128 + the signal that killed it. The behaviour is that of tini without options.
 *
 * Freestanding: no C library, so that it runs in any image and is a few KB.
 * Source: man 2 rt_sigtimedwait, wait4, execve, setpgid; man 3 exec (PATH); Linux uapi headers.
 */

#include "kernel.h"

enum { WNOHANG = 1, TIOCSPGRP = 0x5410, PATH_MAX = 4096 };

static void set_action(int signal, word handler) {
    struct action action;
    action.handler = handler;
    action.flags = action.restorer = 0;
    action.mask = 0;
    syscall4(SYS_sigaction, signal, (word)&action, 0, SIGSET_SIZE);
}

static const char *find_path(char **environment) {
    for (const char *e; (e = *environment); environment++)
        if (e[0] == 'P' && e[1] == 'A' && e[2] == 'T' && e[3] == 'H' && e[4] == '=')
            return e + 5;
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* Execute `file`; a script without an interpreter line is given to the shell, as execvp does.
 * The place before argv[0] is free: the `--` stood there. Returns the error. */
static word execute(char *file, char **argv, char **environment) {
    word error = -syscall4(SYS_execve, (word)file, (word)argv, (word)environment, 0);
    if (error == ENOEXEC) {
        char *name = argv[0];
        argv[-1] = "/bin/sh";
        argv[0] = file;
        error = -syscall4(SYS_execve, (word) "/bin/sh", (word)(argv - 1), (word)environment, 0);
        argv[0] = name;
    }
    return error;
}

/* Try each folder of PATH in turn. Returns the error: EACCES when a file was there but closed. */
static word search(char **argv, char **environment) {
    char file[PATH_MAX];
    const char *path = find_path(environment);
    word name_size = length(argv[0]), worst = ENOENT;
    for (; name_size; path++) {
        word size = 0;
        while (path[size] && path[size] != ':')
            size++;
        if (size + name_size + 2 <= PATH_MAX) {
            word end = 0;
            for (; end < size; end++)
                file[end] = path[end];
            if (size)
                file[end++] = '/';
            for (word index = 0; index <= name_size; index++)
                file[end++] = argv[0][index];
            word error = execute(file, argv, environment);
            if (error == EACCES)
                worst = EACCES;
            else if (error != ENOENT && error != ENOTDIR && error != ENAMETOOLONG)
                return error;
        }
        path += size;
        if (!*path)
            break;
    }
    return worst;
}

static _Noreturn void start_program(char **argv, char **environment, sigset mask) {
    int group = (int)syscall4(SYS_getpid, 0, 0, 0, 0);
    syscall4(SYS_setpgid, 0, 0, 0, 0);
    syscall4(SYS_ioctl, STDIN, TIOCSPGRP, (word)&group, 0); /* ENOTTY: there is no terminal */
    set_action(SIGTTIN, 0);
    set_action(SIGTTOU, 0);
    syscall4(SYS_sigprocmask, SIG_SETMASK, (word)&mask, 0, SIGSET_SIZE);
    const char *letter = argv[0];
    while (*letter && *letter != '/')
        letter++;
    word error = *letter ? execute(argv[0], argv, environment) : search(argv, environment);
    say("docker-init: exec ");
    say(argv[0]);
    say(error == ENOENT    ? " failed: No such file or directory\n"
        : error == EACCES  ? " failed: Permission denied\n"
        : error == ENOEXEC ? " failed: Exec format error\n"
                           : " failed\n");
    leave(error == ENOENT ? 127 : error == EACCES ? 126 : 1);
}

/* Collect everybody who ended; ends the process when the program is among them. */
static void reap(word program) {
    int status, code = -1;
    word pid;
    while ((pid = syscall4(SYS_wait4, -1, (word)&status, WNOHANG, 0)) > 0)
        if (pid == program)
            code = status & 0x7f ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
    if (code >= 0)
        leave(code);
}

__attribute__((used)) _Noreturn void run(word *stack) {
    char **argv = (char **)(stack + 1), **environment = argv + stack[0] + 1;
    sigset before = 0, faults = bit(SIGILL) | bit(SIGTRAP) | bit(SIGABRT) | bit(SIGBUS) |
                                bit(SIGFPE) | bit(SIGSEGV) | bit(SIGSYS);
    sigset waited = ~faults;
    if (stack[0] < 3 || argv[1][0] != '-' || argv[1][1] != '-' || argv[1][2]) {
        say("usage: docker-init -- PROGRAM [ARGUMENT...]\n");
        leave(1);
    }
    syscall4(SYS_sigprocmask, SIG_SETMASK, (word)&waited, (word)&before, SIGSET_SIZE);
    set_action(SIGTTIN, 1);
    set_action(SIGTTOU, 1);
    word program = syscall4(SYS_clone, SIGCHLD, 0, 0, 0);
    if (program == 0)
        start_program(argv + 2, environment, before);
    if (program < 0) {
        say("docker-init: fork failed\n");
        leave(1);
    }
    for (;;) {
        word signal = syscall4(SYS_sigtimedwait, (word)&waited, 0, 0, SIGSET_SIZE);
        if (signal == SIGCHLD || signal == -EINTR)
            reap(program);
        else if (signal > 0)
            syscall4(SYS_kill, program, signal, 0, 0);
    }
}
