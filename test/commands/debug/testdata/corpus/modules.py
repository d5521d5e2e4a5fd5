"""Modules as values: pickled by reference as cloudpickle does it, compared, reloaded, copied."""
import copyreg
import importlib
import inspect
import io
import pickle
import sys
import threading
import types


class Pickler(pickle.Pickler):
    """cloudpickle's own way of pickling a module: by its exact type."""

    dispatch_table = copyreg.dispatch_table.copy()
    dispatch_table[types.ModuleType] = lambda module: (importlib.import_module, (module.__name__,))


for module in (sys, threading):
    file = io.BytesIO()
    Pickler(file).dump({"module": module})
    print(pickle.loads(file.getvalue())["module"] is module)
    print(isinstance(module, types.ModuleType), inspect.ismodule(module), module.__name__, type(module).__name__)
    print(str(module).split(" from")[0], "excepthook" in dir(module), "excepthook" in vars(module), hasattr(module, "nope"))
    try:
        module.nope
    except AttributeError as error:
        print(error)
sys.own_attribute = 1
print(sys.own_attribute)
del sys.own_attribute
importlib.reload(threading)
print(sys.excepthook.__name__, sys.excepthook.__module__)
