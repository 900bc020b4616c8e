from patron_testing.hostile import *
def test_it(opened):
    e = make_evil(opened); p = opened.person()
    for v in ["", "?view=c_evil_all", "?view=c_evil_board","?view=c_evil_days","?view=c_evil_plan","?view=c_evil_tree","?view=c_evil_map","/new",f"/{e.ids[0]}",f"/{e.ids[0]}/edit",f"/{e.ids[0]}?print=1"]:
        s = p.get("/o/c_evil"+v); print(v, s.status_code, strange(s.text))
