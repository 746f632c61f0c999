# KYRON_REQUIRE(VARIABLE, MODULE, DEBIAN-PACKAGE)
# Sets VARIABLE_CFLAGS and VARIABLE_LIBS from pkg-config, or stops and names the package.
AC_DEFUN([KYRON_REQUIRE], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 was not found. On Debian and Ubuntu: apt-get install $3])])
])

# KYRON_REQUIRE_PROGRAM(VARIABLE, PROGRAM, DEBIAN-PACKAGE)
AC_DEFUN([KYRON_REQUIRE_PROGRAM], [
  AC_PATH_PROG([$1], [$2])
  AS_IF([test -z "$$1"],
    [AC_MSG_ERROR([$2 was not found. On Debian and Ubuntu: apt-get install $3])])
])

# KYRON_COMPILER_FLAGS(VARIABLE, FLAGS)
# Adds to VARIABLE those of FLAGS that the compiler knows. -Werror makes clang refuse what it
# would otherwise only warn about.
AC_DEFUN([KYRON_COMPILER_FLAGS], [
  for flag in $2; do
    AC_MSG_CHECKING([whether $CC knows $flag])
    kyron_saved=$CFLAGS
    CFLAGS="$CFLAGS -Werror $flag"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes]); $1="$$1 $flag"],
      [AC_MSG_RESULT([no])])
    CFLAGS=$kyron_saved
  done
])

# KYRON_LINKER_FLAGS(VARIABLE, FLAGS)
AC_DEFUN([KYRON_LINKER_FLAGS], [
  for flag in $2; do
    AC_MSG_CHECKING([whether the linker knows $flag])
    kyron_saved=$LDFLAGS
    LDFLAGS="$LDFLAGS $flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()],
      [AC_MSG_RESULT([yes]); $1="$$1 $flag"],
      [AC_MSG_RESULT([no])])
    LDFLAGS=$kyron_saved
  done
])
