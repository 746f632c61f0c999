/*
 * System calls that a filter (seccomp, SystemCallFilter=) or an old kernel may refuse: asked for
 * once, before anything is opened, so that the daemon does not serve half of what it promises and
 * say so to nobody.
 */
#pragma once

/* 0; what can be done without is logged, with what is lost. Or -ENOSYS, -EPERM or -EACCES with
 * error_text(), which names the call that the daemon cannot do without. */
int system_calls_check(void);
