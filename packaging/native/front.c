/*
 * The interpreter of the script `budu`: it has a process run it that has loaded the program before.
 *
 *     front PYTHON SCRIPT [ARGUMENT...]        as the kernel calls it for "#!front PYTHON"
 *
 * Starting Python takes longer than what most commands do. Where a resident of the same user and
 * the same script listens, it gets everything that makes this process: arguments, environment,
 * standard streams, working directory, umask, ignored signals. It runs the command; signals are
 * passed on to it, and its exit status is this process's. Whatever does not fit, and whatever the
 * resident declines, is run as without it: PYTHON -IS SCRIPT ARGUMENT...
 *
 * The other side is `budu.cli.resident`. Freestanding: no C library, a few KB.
 * Source: man 2 sendmsg, signalfd, ppoll, statx; man 7 unix; Linux uapi headers.
 */

#include "kernel.h"

enum { AF_UNIX = 1, SOCK_STREAM = 1, SOCK_CLOEXEC = 02000000, SOCK_NONBLOCK = 04000 };
enum { SOL_SOCKET = 1, SCM_RIGHTS = 1, MSG_NOSIGNAL = 0x4000, POLLIN = 1, PATH_SIZE = 108 };
enum { AT_FDCWD = -100, O_PATH = 010000000, O_CLOEXEC = 02000000, TIOCGPGRP = 0x540f };
enum { STATX_INO = 0x100, EAGAIN = 11, FAILED = 125, STOP = -1, BACK = -2 };

struct message { /* struct msghdr */
    void *name;
    word name_size;
    struct piece { /* struct iovec */
        const void *start;
        word size;
    } *pieces;
    word piece_count;
    void *control;
    word control_size, flags;
};

struct rights { /* struct cmsghdr with four descriptors */
    word size;
    int level, type, fds[4];
};

struct greeting { /* little end first, as `budu.cli.resident` reads it */
    unsigned magic, arguments, environment, size, umask, ignored;
};

static const int FORWARDED_IF_NOT_IGNORED[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,
                                               SIGUSR2, SIGTERM, SIGTSTP, 0};

static char *append(char *end, const char *text) {
    while (*text)
        *end++ = *text++;
    *end = 0;
    return end;
}

static char *append_number(char *end, unsigned long number) {
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *end++ = digits[--count];
    *end = 0;
    return end;
}

static const char *variable(char **environment, const char *name) {
    for (; *environment; environment++) {
        word at = 0;
        while (name[at] && name[at] == (*environment)[at])
            at++;
        if (!name[at] && (*environment)[at] == '=')
            return *environment + at + 1;
    }
    return 0;
}

static unsigned long inode_of(const char *path, unsigned char *facts) {
    if (syscall6(SYS_statx, AT_FDCWD, (word)path, 0, STATX_INO, (word)facts, 0))
        return 0;
    return *(unsigned long *)(facts + 32);
}

/* RUNTIME/budu-cli/MAJOR-MINOR-INODE of the script, and the inodes of the namespaces: a script
 * that is replaced has another resident, and so has whoever sees other files or networks. */
static int socket_path(char *path, const char *script, char **environment) {
    static const char *const SPACES[] = {"/proc/self/ns/mnt", "/proc/self/ns/net",
                                         "/proc/self/ns/pid"};
    unsigned char facts[256];
    unsigned long inode = inode_of(script, facts);
    unsigned major = *(unsigned *)(facts + 136), minor = *(unsigned *)(facts + 140);
    if (!inode)
        return 0;
    const char *folder = "/run";
    if (syscall4(SYS_geteuid, 0, 0, 0, 0)) {
        folder = variable(environment, "XDG_RUNTIME_DIR");
        if (!folder || folder[0] != '/' || length(folder) > 24)
            return 0;
    }
    char *end = append(append(path, folder), "/budu-cli/");
    end = append_number(end, major);
    end = append_number(append(end, "-"), minor);
    end = append_number(append(end, "-"), inode);
    for (int each = 0; each < 3; each++)
        end = append_number(append(end, "-"), inode_of(SPACES[each], facts));
    return 1;
}

static word connect_to(const char *path) {
    struct {
        unsigned short family;
        char path[PATH_SIZE];
    } address;
    address.family = AF_UNIX;
    append(address.path, path);
    int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    word sock = syscall4(SYS_socket, AF_UNIX, kind, 0, 0);
    if (sock >= 0 && syscall4(SYS_connect, sock, (word)&address, sizeof address, 0)) {
        syscall4(SYS_close, sock, 0, 0, 0);
        return -1;
    }
    return sock;
}

/* A job in the background would read from its terminal without being stopped. */
static int is_in_background(void) {
    int group;
    return !syscall4(SYS_ioctl, STDIN, TIOCGPGRP, (word)&group, 0) &&
           group != syscall4(SYS_getpgid, 0, 0, 0, 0);
}

static unsigned ignored_signals(void) {
    unsigned ignored = 0;
    struct action action;
    for (const int *each = FORWARDED_IF_NOT_IGNORED; *each; each++)
        if (!syscall4(SYS_sigaction, *each, 0, (word)&action, SIGSET_SIZE) && action.handler == 1)
            ignored |= 1u << (*each - 1);
    return ignored;
}

static int wait_for(word sock, word signals) {
    struct {
        int fd;
        short wanted, got;
    } polls[2] = {{(int)sock, POLLIN, 0}, {(int)signals, POLLIN, 0}};
    while (syscall6(SYS_ppoll, (word)polls, 2, 0, 0, SIGSET_SIZE, 0) < 0)
        ;
    return polls[1].got ? 1 : 0;
}

/* Send everything. Not at once: the socket is non-blocking, and a long environment is long. */
static int send_all(word sock, struct message *message) {
    struct {
        int fd;
        short wanted, got;
    } poll = {(int)sock, 4 /* POLLOUT */, 0};
    for (;;) {
        word sent = syscall4(SYS_sendmsg, sock, (word)message, MSG_NOSIGNAL, 0);
        if (sent == -EAGAIN || sent == -EINTR) {
            syscall6(SYS_ppoll, (word)&poll, 1, 0, 0, SIGSET_SIZE, 0);
            continue;
        }
        if (sent < 0)
            return 0;
        message->control = 0;
        message->control_size = 0;
        while (message->piece_count && sent >= message->pieces->size) {
            sent -= message->pieces->size;
            message->pieces++;
            message->piece_count--;
        }
        if (!message->piece_count)
            return 1;
        message->pieces->start = (const char *)message->pieces->start + sent;
        message->pieces->size -= sent;
    }
}

static int hand_over(word sock, char **argv, char **environment, word folder) {
    struct greeting greeting = {0x75647562 /* "budu" */, 0, 0, 0, 0, ignored_signals()};
    const char *start = argv[0] ? argv[0] : environment[0], *end = start;
    for (char **each = argv; *each; each++, greeting.arguments++)
        end = *each + length(*each) + 1;
    for (char **each = environment; *each; each++, greeting.environment++)
        end = *each + length(*each) + 1;
    greeting.size = (unsigned)(end - start);
    word mask = syscall4(SYS_umask, 0, 0, 0, 0);
    syscall4(SYS_umask, mask, 0, 0, 0);
    greeting.umask = (unsigned)mask;
    struct piece pieces[2] = {{&greeting, sizeof greeting}, {start, end - start}};
    struct rights rights = {sizeof rights, SOL_SOCKET, SCM_RIGHTS, {(int)folder, 0, 1, 2}};
    struct message message = {0, 0, pieces, 2, &rights, sizeof rights, 0};
    return send_all(sock, &message);
}

/* End as the process that ran the command did, which a signal ended. */
static _Noreturn void end_by(int signal) {
    sigset none = 0;
    struct action action = {0, 0, 0, 0};
    if (signal) {
        syscall4(SYS_sigaction, signal, (word)&action, 0, SIGSET_SIZE);
        syscall4(SYS_sigprocmask, SIG_SETMASK, (word)&none, 0, SIGSET_SIZE);
        syscall4(SYS_kill, syscall4(SYS_getpid, 0, 0, 0, 0), signal, 0, 0);
    }
    leave(FAILED);
}

/* Follow the command to its end. Returns when it was declined, or given back unbegun. */
static void follow(word sock, word signals) {
    int worker = 0, last = 0, answer;
    unsigned char signal[128]; /* struct signalfd_siginfo, the number first */
    for (;;) {
        if (wait_for(sock, signals)) {
            if (syscall4(SYS_read, signals, (word)signal, sizeof signal, 0) <= 0)
                continue;
            last = *(int *)signal;
            if (!worker) { /* not begun: it is declined by going away */
                syscall4(SYS_close, sock, 0, 0, 0);
                end_by(last);
            }
            syscall4(SYS_kill, worker, last, 0, 0);
            continue;
        }
        word size = syscall4(SYS_read, sock, (word)&answer, sizeof answer, 0);
        if (size == -EAGAIN || size == -EINTR)
            continue;
        if (size != sizeof answer) {
            if (!worker)
                return;
            end_by(last);
        }
        if (!worker) {
            if (!answer)
                return;
            worker = answer;
        } else if (answer == STOP) { /* what continues us arrives as a signal, and is passed on */
            syscall4(SYS_kill, worker, SIGSTOP, 0, 0);
            syscall4(SYS_kill, syscall4(SYS_getpid, 0, 0, 0, 0), SIGSTOP, 0, 0);
        } else if (answer == BACK) {
            return;
        } else {
            leave(answer & 0xff);
        }
    }
}

static void try_resident(char **argv, char **environment) {
    char path[PATH_SIZE];
    if (!socket_path(path, argv[2], environment))
        return;
    word sock = connect_to(path);
    if (sock <= STDERR) { /* there is none, or one of the streams is closed */
        syscall4(SYS_close, sock, 0, 0, 0);
        return;
    }
    word folder = syscall4(SYS_openat, AT_FDCWD, (word) ".", O_PATH | O_CLOEXEC, 0);
    sigset before = 0, passed = ~(bit(SIGILL) | bit(SIGTRAP) | bit(SIGABRT) | bit(SIGBUS) |
                                  bit(SIGFPE) | bit(SIGSEGV) | bit(SIGSYS) | bit(SIGCHLD) |
                                  bit(SIGPIPE));
    if (folder >= 0 && !is_in_background()) {
        syscall4(SYS_sigprocmask, SIG_SETMASK, (word)&passed, (word)&before, SIGSET_SIZE);
        word signals = syscall4(SYS_signalfd, -1, (word)&passed, SIGSET_SIZE, O_CLOEXEC);
        if (signals >= 0 && hand_over(sock, argv + 3, environment, folder))
            follow(sock, signals);
        syscall4(SYS_sigprocmask, SIG_SETMASK, (word)&before, 0, SIGSET_SIZE);
        syscall4(SYS_close, signals, 0, 0, 0);
    }
    syscall4(SYS_close, folder, 0, 0, 0);
    syscall4(SYS_close, sock, 0, 0, 0);
}

__attribute__((used)) _Noreturn void run(word *stack) {
    char **argv = (char **)(stack + 1), **environment = argv + stack[0] + 1;
    char flags[] = {'-', 'I', 'S', 0};
    if (stack[0] < 3) {
        say("usage: front PYTHON SCRIPT [ARGUMENT...]\n");
        leave(FAILED);
    }
    try_resident(argv, environment);
    char *python = argv[1];
    argv[0] = python; /* python, -IS, script, ...: the place of the name is free for the flags */
    argv[1] = flags;
    syscall4(SYS_execve, (word)python, (word)argv, (word)environment, 0);
    say("budu: cannot execute ");
    say(python);
    say("\n");
    leave(FAILED);
}
