#!/bin/bash
# What the page is built with, into node_modules beside this file. Builds of several presets share it: one does it, the
# others wait and find it done.
set -e
cd "$(dirname "$0")"
exec 9<package-lock.json
flock 9
installed=node_modules/.installed
[ "$installed" -nt package.json ] && [ "$installed" -nt package-lock.json ] && exit
npm ci --no-audit --no-fund --silent
touch "$installed"
