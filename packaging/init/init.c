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

typedef long word;
typedef unsigned long sigset; /* the kernel's sigset_t: 64 signals */

enum { SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11, SIGCHLD = 17 };
enum { SIGTTIN = 21, SIGTTOU = 22, SIGSYS = 31 };
enum { SIG_SETMASK = 2, WNOHANG = 1, TIOCSPGRP = 0x5410 };
enum { ENOENT = 2, EINTR = 4, ENOEXEC = 8, EACCES = 13, ENOTDIR = 20, ENAMETOOLONG = 36 };
enum { PATH_MAX = 4096, SIGSET_SIZE = 8, STDIN = 0, STDERR = 2 };

#if defined(__x86_64__)
enum { SYS_write = 1, SYS_sigaction = 13, SYS_sigprocmask = 14, SYS_ioctl = 16, SYS_getpid = 39 };
enum { SYS_clone = 56, SYS_execve = 59, SYS_wait4 = 61, SYS_kill = 62, SYS_setpgid = 109 };
enum { SYS_sigtimedwait = 128, SYS_exit_group = 231 };

static word syscall4(word number, word a, word b, word c, word d) {
    word result;
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = 0;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");

#elif defined(__aarch64__)
enum { SYS_ioctl = 29, SYS_write = 64, SYS_exit_group = 94, SYS_kill = 129, SYS_sigaction = 134 };
enum { SYS_sigprocmask = 135, SYS_sigtimedwait = 137, SYS_setpgid = 154, SYS_getpid = 172 };
enum { SYS_clone = 220, SYS_execve = 221, SYS_wait4 = 260 };

static word syscall4(word number, word a, word b, word c, word d) {
    register word x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    register word x3 __asm__("x3") = d;
    register word x4 __asm__("x4") = 0;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
}

__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl run\n");
#else
#error "no system calls are known for this processor"
#endif

/* The kernel's struct sigaction; only SIG_DFL (0) and SIG_IGN (1) are set, without flags. */
struct action {
    word handler, flags, restorer;
    sigset mask;
};

static sigset bit(int signal) { return 1UL << (signal - 1); }

static void set_action(int signal, word handler) {
    struct action action;
    action.handler = handler;
    action.flags = action.restorer = 0;
    action.mask = 0;
    syscall4(SYS_sigaction, signal, (word)&action, 0, SIGSET_SIZE);
}

static word length(const char *text) {
    word size = 0;
    while (text[size])
        size++;
    return size;
}

static void say(const char *text) { syscall4(SYS_write, STDERR, (word)text, length(text), 0); }

static _Noreturn void leave(word code) {
    for (;;)
        syscall4(SYS_exit_group, code, 0, 0, 0);
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
