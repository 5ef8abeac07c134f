# shellcheck shell=bash
# Sourced by the scripts beside it: brings what a clean machine lacks.
# Needs `set -euo pipefail` and $repo, the repository, in the script that sources it.

# say tells on standard error what is going on: standard output belongs to
# what the scripts are asked to print.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
	say "$*"
	exit 1
}

# need_debian COMMAND PACKAGE… installs the packages unless the command is
# there. Debian's packages are the only ones it knows; anywhere else, and for
# anybody but root, it says what is missing.
need_debian() {
	local command=$1
	shift
	if command -v "$command" >/dev/null; then return 0; fi
	if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
		say "$command is missing: install it (in Debian: $*)"
		return 1
	fi
	say "installing $*"
	if [[ -z ${apt_updated:-} ]]; then
		apt-get -qq update >&2
		apt_updated=yes
	fi
	# RUNLEVEL=1: a package must not start a server of its own on its usual port.
	RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
		apt-get -qq install --yes --no-install-recommends "$@" >&2
}

# need_go_tool NAME VERSION PACKAGE builds a tool from its source, once for
# each version, and prints its path. A tool's dependencies stay out of our go.mod.
need_go_tool() {
	local name=$1 version=$2 package=$3
	local tool=${repo:?}/.tools/bin/$name-$version
	if [[ ! -x $tool ]]; then
		say "building $name $version (a few minutes, once)"
		local into
		into=$(mktemp -d)
		(cd "$into" && GOWORK=off CGO_ENABLED=0 GOBIN=$into go install "$package@v$version") >&2
		mkdir -p "${tool%/*}"
		mv "$into/$name" "$tool"
		rm -rf "$into"
	fi
	printf '%s\n' "$tool"
}

# need_python_tool NAME VERSION [PACKAGE] installs a program from PyPI, once for each version,
# in a folder of its own, and prints its path.
need_python_tool() {
	local name=$1 version=$2 package=${3:-$1}
	local folder=${repo:?}/.tools/$name-$version
	if [[ ! -x $folder/bin/$name ]]; then
		say "installing $name $version from PyPI"
		need_debian python3 python3
		# Debian ships venv apart from Python, and without ensurepip it fails half way.
		python3 -c 'import ensurepip, venv' 2>/dev/null || need_debian "Python's venv" python3-venv
		rm -rf "$folder"
		python3 -m venv "$folder"
		"$folder/bin/pip" install --quiet --disable-pip-version-check "$package==$version" >&2
	fi
	printf '%s\n' "$folder/bin/$name"
}

# need_npm_tool NAME VERSION PACKAGE installs a program from npm, once for each version, in
# a folder of its own, and prints its path.
need_npm_tool() {
	local name=$1 version=$2 package=$3
	local folder=${repo:?}/.tools/$name-$version
	if [[ ! -x $folder/node_modules/.bin/$name ]]; then
		say "installing $name $version from npm"
		need_debian npm npm nodejs
		rm -rf "$folder"
		npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" "$package@$version" >&2
	fi
	printf '%s\n' "$folder/node_modules/.bin/$name"
}
