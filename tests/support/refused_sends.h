/*
 * Packets with descriptors that the kernel refuses, in a program that sets these: the next so many
 * sendmsg(2) of them fail, with that errno.
 */
#pragma once

extern int refused_sends;
extern int refused_errno;
