"""Ostiary: a self-hosted session authority.

It knows who is logged in, from where and on which device, and ends any of that now, everywhere.
"""

__version__ = "0.1.0"
