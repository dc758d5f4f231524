# SPDX-License-Identifier: GPL-2.0-only
# lib.sh: what the cases of tests/vm share.  They source it as /vm/lib.sh.

cd /tmp || exit 1
failed=0

# check WHAT COMMAND [ARGUMENT]...: ok when the command succeeds
check() {
    local what=$1
    shift
    if "$@"; then
        echo "ok $what"
    else
        echo "FAILED $what: $*"
        failed=1
    fi
}

slow=$(cat /vm/slow) # a factor for limits of time

# until_true SECONDS COMMAND...: the command again and again until it succeeds
until_true() {
    local left=$(($1 * 10 * slow))
    shift
    while ! "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}

# serve LOG OPTION...: a rsys-sandboxd that listens; $server is its pid
serve() {
    local log=$1
    shift
    rsys-sandboxd "$@" >"$log" 2>&1 &
    server=$!
    until_true 20 grep -q "listening on" "$log" || { echo "FAILED a server does not come up: $*"; cat "$log"; exit 1; }
}

# says FILE PATTERN: grep that shows the file when there is no such line
says() { grep -q -e "$2" "$1" || { echo "no \"$2\" in:"; cat "$1"; return 1; }; }

# status WANTED COMMAND...: the command's output goes to the file out
status() {
    local wanted=$1 got
    shift
    "$@" </dev/null >out 2>&1
    got=$?
    [ "$got" = "$wanted" ] || { echo "status $got instead of $wanted:"; cat out; return 1; }
}
