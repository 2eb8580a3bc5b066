"""Makes what a telephone hears behind a feature code: two short tones when it was taken, the busy tone when it was not.

Composed of nothing but sines. 450 Hz, 0.35 s on and off, is the busy tone of the Chinese network (GF 002-9002); the
other tone keeps away from 500, 900 and 1300 Hz, with which tests tell parties apart.
"""

import math
import pathlib
import struct
import sys
import wave

RATE = 8000
PEAK = 8000
EDGE = 0.005  # seconds in which a tone swells and fades, so that it does not click


def tone(frequency, seconds):
    count = int(seconds * RATE)
    for index in range(count):
        swell = min(1.0, index / (EDGE * RATE), (count - index) / (EDGE * RATE))
        yield int(PEAK * swell * math.sin(math.tau * frequency * index / RATE))


def rest(seconds):
    return [0] * int(seconds * RATE)


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    print(path)


def main():
    folder = pathlib.Path(sys.argv[1])
    write(folder / "code_accepted.wav", [*tone(800, 0.1), *rest(0.1), *tone(800, 0.1), *rest(0.1)])
    write(folder / "code_refused.wav", 3 * [*tone(450, 0.35), *rest(0.35)])


if __name__ == "__main__":
    main()
