"""The feed: what ended, and what changed, for subscribers in this process and over HTTP.

`Feed.watch` waits for the end of one session, `Feed.listen` hears what happens to a user, `Feed.follow` hears
everything from a position on.
"""

from ostiary.feed.feed import Feed
from ostiary.feed.following import Follower, Update
from ostiary.feed.listening import Listener, Notice
from ostiary.feed.position import Position
from ostiary.feed.reading import Poll

__all__ = ["Feed", "Follower", "Listener", "Notice", "Poll", "Position", "Update"]
