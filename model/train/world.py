"""The procedural world: an endless, seeded stream of captioned clips. Knows no tensors and no model."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from model.train import motion, textures
from model.train import script as scripts

SIZE = 256
CANVAS = 512
POSED_CANVAS = 304  # nothing moves there


@dataclass(frozen=True)
class Clip:
    """Frames uint8 [N, size, size, 3] with their caption and the named motions that made them; `midway` where
    a cycle had begun before, so that the first frame alone doesn't tell how it goes on."""

    frames: np.ndarray
    caption: str
    camera: str
    thing: str
    colour: str = ""
    shape: str = ""
    midway: bool = False


@dataclass(frozen=True)
class Actor:
    """A shape, uint8 [192, 192, 4], that moves as named from `home`, in pixels from the middle; `phase` is
    where in its cycle it starts, 0 to 1."""

    sprite: np.ndarray
    motion: str
    home: tuple[float, float]
    reach: float
    phase: float

    def seen(self, view: np.ndarray, frame: float) -> np.ndarray:
        """Where its sprite's pixels lie on the screen at `frame`, [3, 3]; paths are in screen pixels."""
        home = np.array(self.home)
        place = motion.affine(self.reach, 0.0, self.home) @ motion.object_path(self.motion, frame, self.phase)
        place[:2, 2] = home + (place[:2, 2] - home) / self.reach
        return view @ place @ motion.affine(shift=(-96, -96))

    def painted(self, frame: np.ndarray, view: np.ndarray, index: float) -> None:
        """Paints it over `frame`, uint8 [size, size, 3], in place, where it covers it."""
        seen = self.seen(view, index)
        side = self.sprite.shape[0]
        corners = seen[:2] @ np.array([[0, side, 0, side], [0, 0, side, side], [1, 1, 1, 1]])
        left, top = np.clip(np.floor(corners.min(1)).astype(int) - 1, 0, frame.shape[0])
        right, bottom = np.clip(np.ceil(corners.max(1)).astype(int) + 2, 0, frame.shape[0])
        if left >= right or top >= bottom:
            return
        there = motion.affine(shift=(-left, -top)) @ seen
        drawn = cv2.warpAffine(self.sprite, there[:2], (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        under, alpha = frame[top:bottom, left:right], drawn[..., 3:].astype(np.uint16)
        under[:] = (drawn[..., :3] * alpha + under * (255 - alpha) + 127) // 255


class World:
    """Draws clips from one random stream; two worlds with one seed give the same clips.

    It keeps a few dead-leaves canvases and replaces one now and then, so that a clip costs milliseconds.
    """

    def __init__(
        self,
        seed: int | tuple[int, ...],
        *,
        canvases: int = 48,
        size: int = SIZE,
        detail: tuple[float, float] = (-0.9, 0.4),
        scenes: float = 0.5,
        turned: float = 0.4,
        grown: float = 0.0,
        moving: float = 0.5,
        things: tuple[str, ...] = motion.OBJECT,
        posed: bool = False,
    ) -> None:
        """`detail` bounds the logarithm of the scale at which canvases are shown: the smaller, the finer.
        `scenes`, `turned`, `grown`, `moving` and `things` are as in recipe.Stage. In a `posed`
        world a scene's shape rests large in the middle, whatever its caption says that it is going to do."""
        self.rng = np.random.default_rng(seed)
        self.size, self.detail = size, detail
        self.scenes, self.turned, self.posed = scenes, turned, posed
        self.grown, self.moving, self.things = grown, moving, things
        self._wanted = canvases
        self._canvases: list[np.ndarray] = []

    def clip(self, num_frames: int) -> Clip:
        """A clip of natural-looking texture under a moving camera, or of a shape that moves or is filmed."""
        return self.scene(num_frames) if self.rng.random() < self.scenes else self.nature(num_frames)

    def nature(self, num_frames: int) -> Clip:
        """A dead-leaves picture under one camera motion."""
        script = scripts.nature(self.rng, turned=self.turned)
        caption = script.told(self.rng)
        frames = self._film(self._canvas(), [], script.camera, num_frames)
        return Clip(frames, caption, script.camera, script.thing)

    def scene(self, num_frames: int) -> Clip:
        """A coloured shape on a coloured background; either the camera or the shape moves. In a grown scene
        both may, and a second shape lies behind, part of which the first hides."""
        rng = self.rng
        is_grown = bool(self.grown) and rng.random() < self.grown
        script = (
            scripts.grown_scene(rng)
            if is_grown
            else scripts.scene(rng, moving=self.moving, things=self.things)
        )
        camera, thing = ("still", "still") if self.posed else (script.camera, script.thing)
        picture = textures.background(rng, POSED_CANVAS if self.posed else CANVAS, script.ground, script.kind)
        actor = self._actor(script.colour, script.shape, thing)
        actors = [actor]
        if script.behind:
            near = self.size / 4
            x, y = np.array(actor.home) + rng.uniform(-near, near, 2)
            other = self._actor(*script.behind, "still")
            actors = [replace(other, home=(float(x), float(y))), actor]
        frames = self._film(picture, actors, camera, num_frames)
        midway = thing in motion.CYCLES and actor.phase > 0
        return Clip(frames, script.told(rng), camera, thing, script.colour, script.shape, midway)

    def _actor(self, colour: str, shape: str, thing: str) -> Actor:
        """Half begin where their cycle does: from a first frame alone nobody could tell the phase. The rest
        are for films that go on."""
        rng = self.rng
        sprite, home = textures.sprite(rng, 192, colour, shape), self._home(thing)
        reach = rng.uniform(*((0.62, 0.75) if self.posed else (0.45, 0.75))) * self.size / 192
        phase = max(0.0, 2 * rng.random() - 1)
        if thing in motion.CYCLES:  # about the middle of the picture, or beginning there, or between
            share, begun = rng.random(), motion.object_path(thing, 0, phase)
            home = home[0] - share * float(begun[0, 2]), home[1] - share * float(begun[1, 2])
        return Actor(sprite, thing, home, float(reach), phase)

    def _canvas(self) -> np.ndarray:
        rng = self.rng
        if len(self._canvases) < self._wanted:
            self._canvases.append(textures.dead_leaves(rng, CANVAS))
        elif rng.random() < 0.1:
            self._canvases[int(rng.integers(self._wanted))] = textures.dead_leaves(rng, CANVAS)
        picture = self._canvases[int(rng.integers(len(self._canvases)))]
        picture = np.rot90(picture, int(rng.integers(4)))[:, :: int(rng.choice([-1, 1]))]
        picture = picture[..., rng.permutation(3)]
        gain, lift = rng.uniform(0.7, 1.2, 3), rng.uniform(-25, 25)
        grey = picture.mean(-1, keepdims=True)
        picture = (grey + (picture - grey) * rng.uniform(0.2, 1.0)).astype(np.uint8)
        table = np.clip(np.arange(256)[:, None] * gain + lift, 0, 255).astype(np.uint8)
        return np.ascontiguousarray(np.stack([table[picture[..., c], c] for c in range(3)], -1))

    def _film(self, ground: np.ndarray, actors: list[Actor], camera: str, num_frames: int) -> np.ndarray:
        """Painter's order: later actors hide earlier ones. Without actors the ground lies at any scale and
        turn."""
        rng, size = self.rng, self.size
        to_screen = motion.affine(shift=(size / 2 - 0.5, size / 2 - 0.5))
        scale = 1.0 if actors else float(np.exp(rng.uniform(*self.detail)))
        turn = 0.0 if actors else rng.uniform(-np.pi, np.pi)
        away = rng.uniform(-20, 20, 2) if actors else rng.uniform(-90, 90, 2)
        middle = -ground.shape[0] / 2
        from_canvas = motion.affine(scale, turn, tuple(away)) @ motion.affine(shift=(middle, middle))
        first = int(rng.integers(-24, 25))  # a camera path starts anywhere near the scene's middle
        start = np.linalg.inv(motion.camera_path(camera, float(first)))
        if camera.startswith(("zoom", "rotate")):
            start = np.eye(3)
            first = 0
        frames = np.empty((num_frames, size, size, 3), np.uint8)
        for index in range(num_frames):
            view = to_screen @ motion.camera_path(camera, float(first + index))
            if not actors:
                view = view @ start
            flags = cv2.INTER_LINEAR
            frame = cv2.warpAffine(
                ground, (view @ from_canvas)[:2], (size, size), flags=flags, borderMode=cv2.BORDER_REFLECT
            )
            for actor in actors:
                actor.painted(frame, view, float(index))
            frames[index] = frame
        return frames

    def _home(self, thing: str) -> tuple[float, float]:
        """Where an object starts, in pixels from the middle: anywhere along the way of a motion that carries
        it off."""
        rng, near = self.rng, self.size / (40 if self.posed else 8)
        x, y = rng.uniform(-near, near, 2)
        verb, _, way = thing.partition(" ")
        if verb == "move":
            along = float(rng.uniform(-2.5 * near, 2.0 * near)) * (1 if way in ("right", "down") else -1)
            x, y = (along, y) if way in ("left", "right") else (x, along)
        return float(x), float(y)
