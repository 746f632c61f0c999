#!/bin/bash
# The completions of bash, zsh and fish have the verbs and options that kyronctl --help has, and for
# each verb those that go with it; and each shell that is here loads its own.
set -u

source_dir=${KYRON_SOURCE_DIR:-$(dirname "$(readlink -f "$0")")/../..}
build=${KYRON_BUILD_DIR:-$source_dir/build/plain}
work=$(mktemp -d "${TMPDIR:-/tmp}/kyron-completions-XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

PATH=$build:$PATH
bash_file=$source_dir/completions/kyronctl
zsh_file=$source_dir/completions/_kyronctl
fish_file=$source_dir/completions/kyronctl.fish

# options [VERB]: the long ones, of kyronctl's help.
options() {
        kyronctl "$@" --help | sed -nE 's/^  (-[a-z],|   ) (--[a-z-]+).*/\2/p' | sort
}

# same WHAT: the two files have the same lines.
same() {
        diff "$work/help" "$work/shell" >"$work/diff" && return
        printf '%s: help has <, the completion has >\n' "$1"
        cat "$work/diff"
        failed=1
}

kyronctl --help | sed -nE 's/^  ([a-z]+).*/\1/p' | sort >"$work/verbs"
[[ -s $work/verbs ]] || {
        echo "kyronctl --help names no verbs"
        exit 1
}

# ---- What the files say ---------------------------------------------------------------------------

cp "$work/verbs" "$work/help"
sed -nE "s/^ *local verbs='(.*)'/\1/p" "$bash_file" | tr ' ' '\n' | sort >"$work/shell"
same "verbs for bash"
sed -nE "s/^ *'([a-z]+):.*/\1/p" "$zsh_file" | sort >"$work/shell"
same "verbs for zsh"
sed -nE 's/.* -n __fish_use_subcommand -a ([a-z]+) .*/\1/p' "$fish_file" | sort >"$work/shell"
same "verbs for fish"

options >"$work/help"
grep -oE -- "'?--[a-z-]+(=|\[)" "$zsh_file" | tr -d "'=[" | sort -u >"$work/zsh"
grep -oE -- "\{-[a-z]\+?,--[a-z-]+" "$zsh_file" | sed 's/.*,//' | sort -u "$work/zsh" - >"$work/shell"
same "options for zsh"
sed -nE 's/^complete .* -l ([a-z-]+).*/--\1/p' "$fish_file" | sort >"$work/shell"
same "options for fish"

# ---- What the shells do with them -----------------------------------------------------------------

# shellcheck source=/dev/null
source "$bash_file"
while read -r verb; do
        options "$verb" >"$work/help"
        COMP_WORDS=(kyronctl "$verb" --) COMP_CWORD=2
        _kyronctl
        printf '%s\n' "${COMPREPLY[@]}" | sort >"$work/shell"
        same "options of $verb for bash"
        if command -v fish >/dev/null; then
                HOME=$work fish --no-config -c \
                        "source $fish_file; complete -C 'kyronctl $verb --'" 2>"$work/said" |
                        cut -f1 | sort >"$work/shell"
                same "options of $verb for fish"
                [[ ! -s $work/said ]] || { cat "$work/said"; failed=1; }
        fi
        if command -v zsh >/dev/null; then
                # With the options that it would offer printed.
                zsh -f -c "_arguments() { print -rl -- \"\$@\" }; words=(kyronctl $verb --)
                        source $zsh_file" 2>"$work/said" | sed -nE 's/^(\([^)]*\))?(--[a-z-]+).*/\2/p' |
                        sort -u >"$work/shell"
                same "options of $verb for zsh"
                [[ ! -s $work/said ]] || { cat "$work/said"; failed=1; }
        fi
done <"$work/verbs"

if command -v zsh >/dev/null; then
        zsh -n "$zsh_file" || failed=1
        HOME=$work zsh -f -c "fpath=(${zsh_file%/*} \$fpath); autoload -Uz compinit && compinit -D -u &&
                [[ \${_comps[kyronctl]} == _kyronctl ]]" </dev/null || {
                echo "zsh does not load $zsh_file"
                failed=1
        }
fi
for shell in zsh fish; do
        command -v "$shell" >/dev/null || echo "$shell is not here: its completion was not run"
done
exit "$failed"
