"""asyncio, with a handler for rdg's own signal, children, threads and an executor."""
import asyncio
import os
import sys


async def main():
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    for number in (10, 40):
        woken.clear()
        loop.add_signal_handler(number, woken.set)
        if number == 10 or "wake" in sys.argv:
            os.kill(os.getpid(), number)
            await asyncio.wait_for(woken.wait(), 20)
        print(number, loop.remove_signal_handler(number))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(input())", stdin=-1, stdout=-1
    )
    print(await process.communicate(b"through a child\n"), process.returncode)
    print(await loop.run_in_executor(None, sum, [1, 2]))
    raise ValueError("out of asyncio")


try:
    asyncio.run(main())
except ValueError as error:
    print(error)
