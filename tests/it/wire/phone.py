"""A softphone on PJSUA2, driven line by line: commands on standard input, facts on standard output.

Commands: dial URI [CLAIMED NUMBER] | answer | hold | resume | hangup [CODE] | digits DIGITS | info DIGITS
          | transfer URI | consult URI | join | quit
Facts:    ready | registered CODE | incoming URI | state STATE CODE | media up | media held | digit DIGIT
          | transfer CODE more|final | failed TEXT

It sends one tone and writes what it hears to a WAV file. Every call is answered at once unless --manual is given.
Packet loss concealment and silence suppression are off: a gap that is painted over cannot be measured.
"""

import argparse
import os
import queue
import sys
import threading

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import pjsua2 as pj  # noqa: E402 the thread count above must be set first


def say(*words):
    print(*words, flush=True)


class Call(pj.Call):
    def __init__(self, phone, call_id=pj.PJSUA_INVALID_ID):
        super().__init__(phone.account, call_id)
        self.phone = phone

    def onCallState(self, prm):
        info = self.getInfo()
        say("state", info.stateText, info.lastStatusCode)

    def onCallMediaState(self, prm):
        # The list belongs to the info object: keep it while it is read.
        info = self.getInfo()
        for index in range(len(info.media)):
            media = info.media[index]
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            if media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(index)
                self.phone.tone.startTransmit(sound)
                sound.startTransmit(self.phone.recorder)
                say("media up")
            elif media.status == pj.PJSUA_CALL_MEDIA_LOCAL_HOLD:
                say("media held")

    def onCallTransferStatus(self, prm):
        say("transfer", prm.statusCode, "final" if prm.finalNotify else "more")

    def onDtmfDigit(self, prm):
        say("digit", prm.digit)


class Account(pj.Account):
    def __init__(self, phone):
        super().__init__()
        self.phone = phone

    def onRegState(self, prm):
        say("registered", prm.code)

    def onIncomingCall(self, prm):
        call = Call(self.phone, prm.callId)
        self.phone.call = call
        say("incoming", call.getInfo().remoteUri)
        if not self.phone.options.manual:
            answer(call, 200)


def answer(call, code):
    prm = pj.CallOpParam()
    prm.statusCode = code
    call.answer(prm)


class Phone:
    def __init__(self, options):
        self.options = options
        self.call = None
        self.first = None
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.logConfig.level = 4
        config.logConfig.consoleLevel = 0
        config.logConfig.filename = options.log
        config.uaConfig.maxCalls = 4
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        config.medConfig.clockRate = 8000
        config.medConfig.sndClockRate = 8000
        config.medConfig.jbInit = 40
        config.medConfig.jbMinPre = 40
        config.medConfig.jbMaxPre = 40
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = options.port
        transport.boundAddress = options.address
        transport.publicAddress = options.address
        kind = {
            ("udp", False): pj.PJSIP_TRANSPORT_UDP,
            ("tcp", False): pj.PJSIP_TRANSPORT_TCP,
            ("udp", True): pj.PJSIP_TRANSPORT_UDP6,
            ("tcp", True): pj.PJSIP_TRANSPORT_TCP6,
        }[(options.transport, ":" in options.address)]
        transport_id = self.endpoint.transportCreate(kind, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in list(self.endpoint.codecEnum2()):
            self.endpoint.codecSetPriority(codec.codecId, 128 if codec.codecId.startswith(options.codec) else 0)
        self.tone = pj.ToneGenerator()
        self.tone.createToneGenerator(8000, 1)
        desc = pj.ToneDesc()
        desc.freq1, desc.freq2, desc.on_msec, desc.off_msec = options.tone, 0, 1000, 0
        tones = pj.ToneDescVector()
        tones.append(desc)
        self.tone.play(tones, True)
        self.recorder = pj.AudioMediaRecorder()
        self.recorder.createRecorder(options.record)
        self.account = self.create_account(transport_id)
        say("ready")

    def create_account(self, transport_id):
        options = self.options
        suffix = ";transport=tcp" if options.transport == "tcp" else ""
        config = pj.AccountConfig()
        config.idUri = f"sip:{options.user}@{options.realm}"
        config.regConfig.registrarUri = f"sip:{options.realm}{suffix}"
        config.regConfig.registerOnAdd = not options.stranger
        config.sipConfig.proxies.append(f"sip:{options.registrar}{suffix};lr")
        config.sipConfig.transportId = transport_id
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", options.user, 0, options.password))
        config.mediaConfig.transportConfig.boundAddress = options.address
        config.mediaConfig.transportConfig.publicAddress = options.address
        config.mediaConfig.transportConfig.port = options.rtp_port
        config.natConfig.viaRewriteUse = 0
        config.natConfig.contactRewriteUse = 0
        config.natConfig.sdpNatRewriteUse = 0
        if ":" in options.address:
            config.mediaConfig.ipv6Use = pj.PJSUA_IPV6_ENABLED_USE_IPV6_ONLY
            config.sipConfig.ipv6Use = pj.PJSUA_IPV6_ENABLED_USE_IPV6_ONLY
        account = Account(self)
        account.create(config)
        return account

    def obey(self, line):
        verb, _, rest = line.partition(" ")
        prm = pj.CallOpParam(True)
        if verb == "dial":
            uri, _, claimed = rest.partition(" ")
            if claimed:
                for name in ("P-Asserted-Identity", "Remote-Party-ID", "Diversion", "History-Info"):
                    header = pj.SipHeader()
                    header.hName, header.hValue = name, f"<sip:{claimed}@{self.options.realm}>"
                    prm.txOption.headers.append(header)
            self.call = Call(self)
            self.call.makeCall(uri, prm)
        elif verb == "answer":
            answer(self.call, int(rest or 200))
        elif verb == "hold":
            self.call.setHold(prm)
        elif verb == "resume":
            prm.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.call.reinvite(prm)
        elif verb == "hangup":
            prm.statusCode = int(rest or 0)
            self.call.hangup(prm)
        elif verb == "digits":
            self.call.dialDtmf(rest)
        elif verb == "info":
            for digit in rest:
                dtmf = pj.CallSendDtmfParam()
                dtmf.method, dtmf.duration, dtmf.digits = pj.PJSUA_DTMF_METHOD_SIP_INFO, 160, digit
                self.call.sendDtmf(dtmf)
        elif verb == "consult":
            # A second call; the first one is kept.
            self.first = self.call
            self.call = Call(self)
            self.call.makeCall(rest, prm)
        elif verb == "join":
            self.first.xferReplaces(self.call, prm)
        elif verb == "transfer":
            self.call.xfer(rest, prm)
        else:
            raise ValueError(f"no such command: {verb}")

    def run(self):
        commands = queue.Queue()

        def read():
            for line in sys.stdin:
                commands.put(line.strip())
            commands.put("quit")

        threading.Thread(target=read, daemon=True).start()
        while True:
            self.endpoint.libHandleEvents(10)
            try:
                line = commands.get_nowait()
            except queue.Empty:
                continue
            if line == "quit":
                break
            try:
                self.obey(line)
            except (pj.Error, ValueError, AttributeError) as error:
                say("failed", getattr(error, "reason", error))
        # The recorder writes its header when it is destroyed.
        self.recorder = None
        self.call = None
        self.first = None
        self.endpoint.libDestroy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, default=5060)
    parser.add_argument("--rtp-port", type=int, default=4000)
    parser.add_argument("--transport", choices=["udp", "tcp"], default="udp")
    parser.add_argument("--registrar", required=True, help="host:port")
    parser.add_argument("--realm", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--password", default="")
    parser.add_argument("--codec", default="PCMA")
    parser.add_argument("--tone", type=int, required=True)
    parser.add_argument("--record", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--manual", action="store_true", help="answer only when told")
    parser.add_argument("--stranger", action="store_true", help="do not register")
    Phone(parser.parse_args()).run()
    # The library's own destructors run in the wrong order at interpreter exit.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
