#!/bin/sh
# The programs of others that our frame reader, archive, calendars and deployment files are tested against, in a private Python under .cache/ (about 300 MB). Run again at will.
set -eu
cd "$(dirname "$0")/.."
venv=.cache/fits-venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check astropy==7.* sep==1.* pillow photutils ccdproc fitsio 'moto[server]' kubernetes-validate==1.37.0 icalendar==7.*
# Three more for the files of other makers that they bring: nothing of them is run.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps sunpy spectral-cube specutils
"$venv/bin/python" -c 'import astropy, sep, PIL; print("astropy", astropy.__version__, "sep", sep.__version__)'
