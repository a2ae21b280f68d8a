"""The colours of label values, as Fiji's ROI groups have them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_TABLE = (
    "0000000000ffff000000ff00000033ff00b6005300ffd300009fff9a4d4200ffbe783fc1ffadf78cce4200d6e6"
    "d67300f72963d6bd73de00ff7b085a63ad7b6b5a00ffadad635a94a50008deff00084a3a00ef6bceffadadc5f7"
    "ef73ff0084adde6394ff7b630000b54a10211073f79c9c0000217b009c3affff7b4a3a21adffe6103a52a594f7"
    "9c003ab55ab58c42ffbd8cadbd7b4294ff42ad00a5738c3ab5c5a5008c84f7b542630000c5007b19b50000c5ff"
    "8c3a00844a6394845a73e684ff6329004ae6ffd6f75a00737bb5bdffd6b50063bd4a215aff6bce00ffeff7313a"
    "19310052734ac5ce00ff21e621088c528c00a57b00f7ffceceb5b5adc56310cea5ad7bff6b4aa5bd8473ffb57b"
    "42313ab5efffa500ced65263848cb5007b4aceff5a00316b5a2900ff0084316b738cf7bd5a5a73ff9cc5003aff"
    "7b5a52105a8cbda5e6de8cf75ac5b5dec53a845a31ff9452bd6b7b9c639cce5a29efef94bdff8431e631ff9c00"
    "8c00ff6b84ce425208739c843142b56bad529c8c3a4a524aa53163b55af76300ad84f76b00bd73c5193af78494"
    "7b2131ad3a31fff7295aa5e6ce1963ce1000a5ce8cd67bbd00a5bd94198419ff9c94d600ef947b63312952083a"
    "ff52decea57b00730052c54aff52a5945a00312142ff5a63103131b5c5d6736bdeb552ceffd673ce31a5843a84"
    "bdd64a736bff005229635a29e64aff9ca56b5a8cf7426b00b5428cce9c4a7bffffceefde737b007bceefff638c"
    "ff7b008cd6adb5ff00c59c008cad00009c7b42843ace6b6394adff9c73c5314294bdadce638c9c73003a319c08"
    "8c6b7b6300d6f7b500007bbd63426bffe6a5c5f7c584219c73ce84de4a3a523a009c9c84e6addebdb54a73ff00"
    "3a73639cde7bffdedead8c8c9c63ce3a426bad5a846bd629d68c2984adce6b6b5219d66b3a4a29e6e6ffce94e6"
    "d63ad6633ad6cece94299c5abd3affad5a313a21198ca5313a10639c31c594d6ce6b6bc5522994ceef84737b42"
    "de7b521000de841000843a6be6adbd212910846b945a005aef0094ce4200522942efe6cea542527342006b945a"
    "eff752"
)


def glasbey() -> npt.NDArray[np.uint8]:
    """Return a colour for each label value from 0 to 255.

    Value 0 (unlabelled) is black. Values 1 to 11 have the colours that Fiji's ``glasbey.lut``
    gives to the ROI groups 1 to 11; each later one is the colour of a 32x32x32 grid of RGB that
    is farthest, in CIELAB, from all before it and from white and grey, as Glasbey et al. propose
    ("Colour displays for categorical images", Color Research and Application 32, 2007).

    Returns
    -------
    numpy.ndarray
        (256, 3) uint8.
    """
    return np.frombuffer(bytes.fromhex(_TABLE), np.uint8).reshape(256, 3).copy()


_APART = "0000ffff0000ff99ff66006600ff99ccff00cc3366cc33ff"


def colours_apart() -> npt.NDArray[np.uint8]:
    """Return colours of which colour-blind users too can tell the first eight apart.

    Chosen as those of `glasbey`: each is the colour of a 6x6x6 grid of RGB, without greys and
    black, that is farthest in CIELAB from those before it, by the smallest distance that is seen
    by usual eyes and without the sense of red, green or blue (Machado, Oliveira and Fernandes,
    IEEE Trans. Vis. Comput. Graph. 15, 2009), alone and laid over grey. The rest is `glasbey`'s.

    Returns
    -------
    numpy.ndarray
        (256, 3) uint8; value 0 is black.
    """
    table = glasbey()
    first = np.frombuffer(bytes.fromhex(_APART), np.uint8).reshape(-1, 3)
    table[1 : 1 + len(first)] = first
    return table
