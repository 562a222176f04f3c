"""Following a stream without blocking the event loop."""

import asyncio

SLICE_SECONDS = 0.1


async def frames(follower, milliseconds):
    """The frames of a follower as they come; ends when none came for so many milliseconds, if that is 0 or more."""
    loop = asyncio.get_running_loop()
    left = milliseconds
    while True:
        seconds = SLICE_SECONDS if left < 0 else min(SLICE_SECONDS, left / 1000)
        wait = loop.run_in_executor(None, follower.next, seconds)
        try:
            frame = await asyncio.shield(wait)
        except asyncio.CancelledError:
            # The thread ends within a slice: a follower must not be used by another meanwhile.
            await asyncio.wait([wait])
            raise
        if frame is not None:
            left = milliseconds
            yield frame
        elif left >= 0:
            left -= int(seconds * 1000)
            if left <= 0:
                return
