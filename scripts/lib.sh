# shellcheck shell=bash
# What the scripts share: where things are, how to say something, how to install Debian packages.
# Sourced, never run.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/xmpp-push
venv=${XMPP_PUSH_VENV:-$cache/venv}
mongo_venv=${XMPP_PUSH_MONGO_VENV:-$cache/mongo-venv}
# shellcheck disable=SC2034 # read by the scripts that source this file
readonly repo cache venv mongo_venv

note() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { note "$@"; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root, if that is possible without asking for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_be_root() {
    [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

# One script at a time may change the cache folder; the lock goes when the script ends.
lock_cache() {
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock 9
}

# Prints those of the named Debian packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s\n' "$package"
    done
}

# A package's postinst asks this file whether it may start its service; 101 is "no".
readonly policy=/usr/sbin/policy-rc.d
kept_policy=

forbid_services() {
    if [ -e $policy ] || [ -L $policy ]; then
        kept_policy=$policy.before-xmpp-push
        as_root mv $policy "$kept_policy"
    fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    trap allow_services EXIT
}

allow_services() {
    trap - EXIT
    as_root rm -f $policy
    [ -z "$kept_policy" ] || as_root mv "$kept_policy" $policy
}

# Installs Debian packages without letting their services start.
# The package lists are fetched only when installing with the lists at hand fails: a fresh image has none.
apt_install() {
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    forbid_services
    as_root "${apt[@]}" install --no-install-recommends "$@" >&2 ||
        { as_root "${apt[@]}" update >&2 && as_root "${apt[@]}" install --no-install-recommends "$@" >&2; }
    allow_services
}

# Sees to it that the named Debian packages are there, or says what to do.
need_packages() {
    have dpkg-query || { need_commands "$@"; return; }
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    may_be_root || die "missing Debian packages; run:  sudo apt-get install --no-install-recommends ${missing[*]}"
    note "installing ${missing[*]}"
    apt_install "${missing[@]}"
}

# Where there is no dpkg, the commands of the script at hand are looked for and the Debian names are a hint.
needed_commands=()

need_commands() {
    local command missing=()
    for command in "${needed_commands[@]}"; do have "$command" || missing+=("$command"); done
    [ ${#missing[@]} = 0 ] || die "missing commands: ${missing[*]}; on Debian they come with the packages: $*"
}
