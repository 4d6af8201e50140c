"""The gradients of softmax and log_softmax, row by row; see ``numbaexp.cuda.row_passes``.

The operands are the gradient of the result, the result, and the gradient that is made.
"""

from numbaexp.cuda.memory import make_memory
from numbaexp.cuda.row_passes import make_kernels, make_rounded
from numbaexp.cuda.row_reductions import make_sum, make_value_of, part
from numbaexp.scalar.forms import STORED_AS
from numbaexp.scalar.ieee import scalar
from numbaexp.scalar.row_gradients import gradient_of
from numbaexp.scalar.row_order import LANES


def make_backward(name, dtype):
    gradient, rounded = gradient_of(name, dtype), make_rounded(dtype)
    memory, value_of = make_memory(STORED_AS[dtype]), make_value_of(dtype)
    get, put, addend_of, result = memory.get, memory.put, gradient.addend, gradient.result

    @part
    def addend(views, i):
        g, g_first, g_step = views[0]
        y, y_first, y_step = views[1]
        return addend_of(value_of(get(g, g_first + i * g_step)), value_of(get(y, y_first + i * y_step)))

    @scalar
    def of_element(g, y, total, low):
        return rounded(result(g, y, total, low))

    def make(team):
        lane = team.lane

        @part
        def write(views, start, count, of_row):
            g, g_first, g_step = views[0]
            y, y_first, y_step = views[1]
            out, out_first, out_step = views[2]
            i = start + lane()
            while i < start + count:
                of_g, of_y = value_of(get(g, g_first + i * g_step)), value_of(get(y, y_first + i * y_step))
                put(out, out_first + i * out_step, of_element(of_g, of_y, of_row[1], of_row[2]))
                i += LANES

        return make_sum(addend, team), write

    return make_kernels(make)
