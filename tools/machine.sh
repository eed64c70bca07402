#!/usr/bin/env bash
# Brings what the Makefile needs of the machine and does not find: `tools/machine.sh NEED...`, where a need is make, venv, compiler,
# fonts, layers (ImageMagick, which reads PSD files in a test) or browser. What is there is taken; else Debian's package, where root
# or sudo may install it; the browser and the fonts else by Playwright. Where nothing helps: one sentence with the command to run,
# and exit status 2.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3}
PLAYWRIGHT=.venv/bin/playwright

has() {
	case $1 in
	make) command -v make ;;
	venv) "$PYTHON" -c 'import venv, ensurepip' ;;
	compiler) command -v cc ;;
	fonts) [ "$(uname -s)" != Linux ] || [ -n "$(fc-list :lang=zh)" ] ;; # without one, the Chinese page is boxes
	layers) { magick -version || convert -version; } | grep "^Version: ImageMagick" ;; # not another convert
	browser) chromium --version || chromium-browser --version || [ -x "$(playwrights_browser)" ] ;;
	esac >/dev/null 2>&1
}

playwrights_browser() {
	.venv/bin/python -c 'from playwright.sync_api import sync_playwright as start
with start() as playwright: print(playwright.chromium.executable_path)'
}

packages() {
	case $1 in
	make) echo make ;;
	venv) echo python3-venv ;;
	compiler) echo gcc libc6-dev ;;
	fonts) echo fontconfig fonts-noto-cjk ;;
	layers) echo imagemagick ;;
	browser) echo chromium ;;
	esac
}

# Debian's packages, without asking for a password.
install() {
	command -v apt-get >/dev/null || return 1
	local root=()
	[ "$(id -u)" = 0 ] || root=(sudo -n)
	"${root[@]}" true 2>/dev/null || return 1
	echo "Installing $*"
	"${root[@]}" apt-get update -qq &&
		"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Playwright's Chromium, with the libraries and fonts that its own list names.
install_by_playwright() {
	case $1 in fonts | browser) [ -x $PLAYWRIGHT ] && $PLAYWRIGHT install --with-deps chromium ;; *) false ;; esac
}

refuse() {
	case $1 in
	browser) echo "The tests need a browser, and none could be installed; run: $PLAYWRIGHT install --with-deps chromium" ;;
	*) echo "This needs $(packages "$1"), which could not be installed; as root, run: apt-get install $(packages "$1")" ;;
	esac >&2
	exit 2
}

for need in "$@"; do
	has "$need" && continue
	# shellcheck disable=SC2046 # several packages are several words
	install $(packages "$need") && has "$need" && continue
	install_by_playwright "$need" && has "$need" && continue
	refuse "$need"
done
