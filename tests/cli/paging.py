"""What the tests of mbsopt report's page have in common."""

import json
import re

from harness import conv, network, relu

HOSTILE = ["</script><img src=x onerror=alert(1)>", "<!--<script>", "\"'&amp;\\u003c", "--></style>"]
# "test" is the network's name; a layer's name is shown in charts, tables and notes
HOSTILE_NETWORK = network([conv(HOSTILE[0], "image"), relu(HOSTILE[1], HOSTILE[0]), conv(HOSTILE[2], HOSTILE[1]),
                           relu(HOSTILE[3], HOSTILE[2])], name="<b>&test")
SMALL_SWEEP = ["--sweep-buffer", "5MiB,10MiB", "--sweep-batch", "16,32"]


def data_of(page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S).group(1)
    return json.loads(text)
