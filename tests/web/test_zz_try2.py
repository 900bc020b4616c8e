import os, time, random, re, collections, pickle
from patron_testing.hostile import *
from patron_testing.crawl import *
BAD = re.compile(r"Traceback|psycopg|syntax error at|jinja2|File \"/|Error: |invalid input syntax|violates |\bSELECT [a-z]", )
def test_it(opened, caplog):
    e = make_evil(opened); p = opened.person()
    job = opened.admin.make("yd_job", name=MARK[:60], lines=[{"what": MARK[:30], "price": "1"}], note=MARK, due_at="2026-11-26T02:30:00Z")
    t=time.monotonic()
    found = crawl(p, ["/", "/o/c_evil", "/o/yd_job", "/o/yd_place","/o/yd_word", f"/o/yd_job/{job['id']}", f"/o/c_evil/{e.ids[0]}", "/search?q=x", "/inbox", "/me", "/design/gallery", "/palette?q=e"], until=time.monotonic()+float(os.environ.get("CRAWL","40")))
    print(len(found.ways), len(found.pages), time.monotonic()-t)
    for w, s in found.pages:
        if s.status_code >= 400 or (s.headers.get("content-type","").startswith("text/html") and strange(s.text)):
            print("PAGE", s.status_code, str(w)[:300], strange(s.text)[:3])
    for w in found.ways: print("  ", w.method, re.sub(ID,"ID",w.path)[:100], [n for n,_ in w.pairs][:8], w.part)
    seed = int(os.environ.get("SEED", "1")); dice = random.Random(seed)
    n=0; stat=collections.Counter(); seen=set(); slow=[]
    end=time.monotonic()+float(os.environ.get("FUZZ","60"))
    while time.monotonic()<end:
        w = dice.choice(found.ways).mutated(dice); n+=1
        if LEFT_OUT.search(w.path): continue
        b=time.monotonic(); caplog.clear()
        try: s = w.by(p)
        except Exception as ex:
            print("EXC", repr(ex)[:200], str(w)[:300]); continue
        d=time.monotonic()-b
        stat[s.status_code]+=1
        if d>2: print("SLOW", round(d,1), str(w)[:300])
        odd = strange(s.text) if s.headers.get("content-type","").startswith("text/html") else []
        if s.status_code>=500 or odd or BAD.search(s.text[:200000]):
            tb = [r for r in caplog.records if r.exc_info]
            where=""
            if tb:
                ex=tb[0].exc_info[1]; t_=ex.__traceback__
                fr=[]
                while t_: fr.append(f"{t_.tb_frame.f_code.co_filename.split('/')[-1]}:{t_.tb_lineno}"); t_=t_.tb_next
                fr=[f for f in fr if not re.match("routing|errors|middleware|testclient|base|exceptions|gzip|applications|_exc|concurrency|to_thread|_asyncio|thread", f)]
                where=f"{type(ex).__name__}: {str(ex)[:150]} @ {fr[-4:]}"
            key=(s.status_code, where.split('@')[-1], tuple(odd)[:1])
            if key in seen: continue
            seen.add(key)
            m = BAD.search(s.text[:200000])
            print("BAD", s.status_code, str(w)[:600], odd[:3], where, m and s.text[max(0,m.start()-80):m.end()+80])
    print(n, stat)
