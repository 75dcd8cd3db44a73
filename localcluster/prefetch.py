"""`python -m localcluster.prefetch`: fetch the control plane's modules while something else is being set up.

It needs nothing but the standard library, since it runs before there is anything else.
"""

import asyncio

from localcluster.build import fetch_modules

if __name__ == "__main__":
    asyncio.run(fetch_modules())
