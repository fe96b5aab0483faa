"""The image's health check: the address in BAIRRO_HEALTH_URL answers 200; with none set there is nothing to ask."""

import os
import sys
import urllib.error
import urllib.request

url = os.environ.get("BAIRRO_HEALTH_URL")
try:
    if url:
        urllib.request.urlopen(url, timeout=4).close()
except (urllib.error.URLError, OSError) as error:
    sys.exit(f"{url}: {error}")
