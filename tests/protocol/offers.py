"""Offers as peers send them."""

FINGERPRINT = ":".join(["AB"] * 32)

CHROMIUM = f"""v=0
o=- 5346982005195742953 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS ebc0e94d
m=audio 43512 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:2846905876 1 udp 2122194687 192.0.2.2 43512 typ host generation 0 network-id 1
a=candidate:2931964580 1 udp 2122265343 2001:db8::2 42761 typ host generation 0 network-id 2
a=candidate:3615470732 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
a=candidate:3615470733 1 udp 2122194687 0b5c4a8e-7a8f-4a6e-9d3c-1f2e3d4c5b6a.local 9 typ host generation 0
a=ice-ufrag:ujd+
a=ice-pwd:cv6cO7/rQ618UH7S98GSvEgv
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:ebc0e94d 09e665b8
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3288264856 cname:sP7HvVO02Skf50R0
m=application 47795 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 192.0.2.2
a=ice-ufrag:ujd+
a=ice-pwd:cv6cO7/rQ618UH7S98GSvEgv
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
""".replace("\n", "\r\n")

G711 = f"""v=0
o=- 1 1 IN IP4 198.51.100.7
s=-
t=0 0
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:SHA-256 {FINGERPRINT.lower()}
m=audio 9 RTP/SAVPF 8 101
c=IN IP4 198.51.100.7
a=rtpmap:101 telephone-event/8000
a=setup:active
a=rtcp-mux
a=sendonly
"""
