<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge\local;

/**
 * Posts by Moodle's own HTTP client, so that the site's proxy and its cURL security hold for this plugin, too.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class curl_transport implements transport {
    /** @var int seconds to connect */
    private const CONNECT = 10;

    /** @var int seconds for the whole exchange */
    private const WHOLE = 30;

    /** @var int bytes of an answer that are read */
    private const LONGEST = 2097152;

    /** @var int[] cURL's codes for what is wrong with a certificate or the encryption */
    private const TLS = [35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91];

    /** @var int cURL's code for a time-out */
    private const TIMEOUT = 28;

    /** @var int cURL's code for an answer that we didn't want to read to its end */
    private const CUT = 23;

    #[\Override]
    public function post(string $url, array $headers, string $body): answer {
        global $CFG;
        require_once($CFG->libdir . '/filelib.php');
        $curl = new \curl();
        foreach ($headers as $name => $value) {
            $curl->setHeader("$name: $value");
        }
        // Without it, cURL waits a second for a go-ahead that many servers never give.
        $curl->setHeader('Expect:');
        $read = '';
        $curl->post($url, $body, [
            'CURLOPT_USERAGENT' => 'CoPBridge-Moodle/' . self::release(),
            'CURLOPT_FOLLOWLOCATION' => 0,
            'CURLOPT_MAXREDIRS' => 0,
            'CURLOPT_SSL_VERIFYPEER' => 1,
            'CURLOPT_SSL_VERIFYHOST' => 2,
            'CURLOPT_CONNECTTIMEOUT' => self::CONNECT,
            'CURLOPT_TIMEOUT' => self::WHOLE,
            'CURLOPT_WRITEFUNCTION' => static function ($handle, string $part) use (&$read): int {
                $read .= $part;
                return strlen($read) > self::LONGEST ? 0 : strlen($part);
            },
        ]);
        return self::answer($curl, $url, $read);
    }

    /**
     * What a request came to.
     *
     * @param \curl $curl
     * @param string $url
     * @param string $read
     * @return answer
     */
    private static function answer(\curl $curl, string $url, string $read): answer {
        $errno = (int) $curl->get_errno();
        $error = (string) $curl->error;
        if ($errno === self::CUT) {
            return new answer((int) ($curl->get_info()['http_code'] ?? 0), '', '', '', $error);
        }
        if ($errno) {
            $problem = $errno === self::TIMEOUT ? 'timeout' : (in_array($errno, self::TLS, true) ? 'tls' : 'unreachable');
            return new answer(0, '', '', $problem, $error);
        }
        if ($error !== '') {
            return new answer(0, '', '', 'blocked', security::blocking($url));
        }
        $headers = array_change_key_case($curl->getResponse(), CASE_LOWER);
        $retryafter = $headers['retry-after'] ?? '';
        return new answer(
            (int) ($curl->get_info()['http_code'] ?? 0),
            $read,
            is_array($retryafter) ? (string) end($retryafter) : (string) $retryafter,
        );
    }

    /**
     * The plugin's release.
     *
     * @return string
     */
    private static function release(): string {
        return (string) (\core_plugin_manager::instance()->get_plugin_info('local_copbridge')->release ?? '');
    }
}
