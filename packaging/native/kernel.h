/*
 * System calls without a C library, for the small programs of this folder.
 * Source: man 2 syscall; Linux uapi headers.
 */

typedef long word;
typedef unsigned long sigset; /* the kernel's sigset_t: 64 signals */

enum { SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7 };
enum { SIGFPE = 8, SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGTERM = 15 };
enum { SIGCHLD = 17, SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22 };
enum { SIGSYS = 31 };
enum { SIG_SETMASK = 2, SIGSET_SIZE = 8 };
enum { ENOENT = 2, EINTR = 4, ENOEXEC = 8, EACCES = 13, ENOTDIR = 20, ENAMETOOLONG = 36 };
enum { STDIN = 0, STDERR = 2 };

#if defined(__x86_64__)
enum { SYS_read = 0, SYS_write = 1, SYS_close = 3, SYS_sigaction = 13, SYS_sigprocmask = 14 };
enum { SYS_ioctl = 16, SYS_getpid = 39, SYS_socket = 41, SYS_connect = 42, SYS_sendmsg = 46 };
enum { SYS_clone = 56, SYS_execve = 59, SYS_wait4 = 61, SYS_kill = 62, SYS_umask = 95 };
enum { SYS_geteuid = 107, SYS_setpgid = 109, SYS_getpgid = 121, SYS_sigtimedwait = 128 };
enum { SYS_exit_group = 231, SYS_openat = 257, SYS_ppoll = 271, SYS_signalfd = 289 };
enum { SYS_statx = 332 };

static word syscall6(word number, word a, word b, word c, word d, word e, word f) {
    word result;
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    register word r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall run\n");

#elif defined(__aarch64__)
enum { SYS_ioctl = 29, SYS_openat = 56, SYS_close = 57, SYS_read = 63, SYS_write = 64 };
enum { SYS_ppoll = 73, SYS_signalfd = 74, SYS_exit_group = 94, SYS_kill = 129 };
enum { SYS_sigaction = 134, SYS_sigprocmask = 135, SYS_sigtimedwait = 137, SYS_setpgid = 154 };
enum { SYS_getpgid = 155, SYS_umask = 166, SYS_getpid = 172, SYS_geteuid = 175 };
enum { SYS_socket = 198, SYS_connect = 203, SYS_sendmsg = 211, SYS_clone = 220 };
enum { SYS_execve = 221, SYS_wait4 = 260, SYS_statx = 291 };

static word syscall6(word number, word a, word b, word c, word d, word e, word f) {
    register word x8 __asm__("x8") = number;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    register word x3 __asm__("x3") = d;
    register word x4 __asm__("x4") = e;
    register word x5 __asm__("x5") = f;
    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

__asm__(".globl _start\n_start:\n\tmov x29, #0\n\tmov x0, sp\n\tbl run\n");
#else
#error "no system calls are known for this processor"
#endif

static word syscall4(word number, word a, word b, word c, word d) {
    return syscall6(number, a, b, c, d, 0, 0);
}

/* The kernel's struct sigaction; only SIG_DFL (0) and SIG_IGN (1) are set, without flags. */
struct action {
    word handler, flags, restorer;
    sigset mask;
};

static sigset bit(int signal) { return 1UL << (signal - 1); }

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
