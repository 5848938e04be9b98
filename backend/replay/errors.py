"""Why a simulation can't begin now."""

from backend.errors import Conflict


class SimulationRunning(Conflict):
    code = "simulation-running"
    title = "上一次模拟还在算"
    detail = "您的上一次模拟还在算。请等它算完，或先取消它。"


class TooManySimulations(Conflict):
    code = "too-many-simulations"
    title = "别人的模拟还在算"
    detail = "现在有别人的模拟在算，请过一两分钟再开始。填好的内容还在。"
