"""A simulation's states in words."""

STATES = {"running": "正在算", "done": "算好了", "failed": "没有算完", "cancelled": "已取消"}
FAILURES = {
    "too_long": "这段时间的数据太多，没有算完。请选短一些的时间，再算一次。",
    "too_much": "这段时间的班次或需求太多，一次算不了。请选短一些的时间，再算一次。",
    "stopped": "系统重新启动，模拟停下了。请再算一次。",
    "lost": "算这次模拟的服务器停下了。请再算一次。",
    "broken": "出了错，没有算完。请再算一次；还不行，请告诉信息科。",
}
