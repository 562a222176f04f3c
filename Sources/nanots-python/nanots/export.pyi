from collections.abc import Iterable, Sequence
from datetime import datetime
from os import PathLike
from typing import Any, Optional, Union

def export(
    filename: Union[str, PathLike[str]],
    streams: Union[str, Iterable[str]],
    output: Union[str, PathLike[str]],
    *,
    start_timestamp: Union[int, datetime, Any] = ...,
    end_timestamp: Union[int, datetime, Any] = ...,
    segment: Optional[int] = None,
    replace: bool = False,
) -> int: ...
def main(arguments: Optional[Sequence[str]] = None) -> int: ...
