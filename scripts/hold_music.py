"""Makes the hold music: a slow arpeggio over four chords, 9.6 s, made to be played in a circle.

Composed of nothing but sines, so nobody's licence is in it. The notes keep away from 500, 900 and 1300 Hz, with which
tests tell parties apart.
"""

import math
import struct
import sys
import wave

RATE = 8000
BEAT = 0.6  # seconds
# D major, B minor, G major, A major; in Hz.
CHORDS = [
    [146.83, 293.66, 369.99, 440.00],
    [123.47, 246.94, 293.66, 369.99],
    [98.00, 196.00, 293.66, 392.00],
    [110.00, 220.00, 277.18, 329.63],
]
PATTERN = [1, 2, 3, 2]
PEAK = 9000


def note(total, start, frequency, length, loudness):
    """Adds one plucked note; what rings past the end rings on at the beginning."""
    for index in range(int(length * RATE)):
        time = index / RATE
        envelope = min(1.0, time / 0.015) * math.exp(-time * 2.2)
        sample = math.sin(math.tau * frequency * time) + 0.18 * math.sin(math.tau * 2 * frequency * time)
        total[(start + index) % len(total)] += loudness * envelope * sample


def main():
    total = [0.0] * int(len(CHORDS) * len(PATTERN) * BEAT * RATE)
    for bar, chord in enumerate(CHORDS):
        at = int(bar * len(PATTERN) * BEAT * RATE)
        note(total, at, chord[0], 2.4, 0.8)
        for beat, degree in enumerate(PATTERN):
            note(total, at + int(beat * BEAT * RATE), chord[degree], 1.8, 0.7)
    scale = PEAK / max(abs(sample) for sample in total)
    with wave.open(sys.argv[1], "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"".join(struct.pack("<h", round(sample * scale)) for sample in total))


main()
